package platform

import (
	"time"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/phases"
)

// Options is what the user asks of a build. References are as the user wrote
// them.
type Options struct {
	Image         string
	Tags          []string
	Builder       string
	RunImage      string
	PreviousImage string
	// AppDir is the directory with the application's source.
	AppDir string
	// Env is the environment for the buildpacks, by name.
	Env map[string]string

	Publish        bool
	DefaultProcess string
	Created        *time.Time

	Imports, Exports []phases.Location
	// CacheRequired makes a cache that cannot be read or saved a failure.
	CacheRequired bool
	// ClearCache restores nothing and overwrites what the exports hold.
	ClearCache bool

	TrustBuilder bool
	Network      lifecycle.Network
	// Insecure are registry hosts to be reached without verified TLS.
	Insecure []string
	// Engine is the name of the engine, "" or "auto" for the first that works.
	Engine  string
	Verbose bool
	NoColor bool
}
