// Package builder says what a builder image is: its build user, its target, the
// Platform APIs its lifecycle speaks, its buildpacks and its run images (CNB
// Distribution and Platform specifications, "Builder").
//
// What it is not for: whether the builder is trusted (package trust), and
// running anything in it (package lifecycle). Unpacking it is package unpack.
package builder

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/internal/hint"
)

// Labels of a builder image.
const (
	metadataLabel      = "io.buildpacks.builder.metadata"
	lifecycleAPIsLabel = "io.buildpacks.lifecycle.apis"
	distroNameLabel    = "io.buildpacks.base.distro.name"
	distroVersionLabel = "io.buildpacks.base.distro.version"
)

// ErrNotABuilder says that an image lacks what makes it a builder.
var ErrNotABuilder = errors.New("not a builder")

// Builder is what a builder image says about itself. It is immutable.
type Builder struct {
	Image  v1.Image
	Digest v1.Hash
	// UID and GID are the build user's: CNB_USER_ID and CNB_GROUP_ID.
	UID, GID int
	Target   Target
	// Env is the environment of the image's config, as KEY=VALUE.
	Env []string
	// Lifecycle is the version of the builder's own lifecycle, "" if unsaid.
	Lifecycle string
	// PlatformAPIs are the Platform API versions that its lifecycle speaks.
	PlatformAPIs []string
	Buildpacks   []Buildpack
	RunImages    []RunImage
}

// Target is the operating system, processor and distribution of an image.
type Target struct {
	OS            string `json:"os"`
	Architecture  string `json:"architecture"`
	Variant       string `json:"variant,omitempty"`
	DistroName    string `json:"distro_name,omitempty"`
	DistroVersion string `json:"distro_version,omitempty"`
}

// Buildpack is one buildpack that the builder brings along.
type Buildpack struct {
	ID      string `json:"id"`
	Version string `json:"version"`
}

// RunImage is a run image with the places where copies of it are.
type RunImage struct {
	Image   string   `json:"image"`
	Mirrors []string `json:"mirrors,omitempty"`
}

// metadata is the part of the builder's metadata label that matters here.
type metadata struct {
	Stack *struct {
		RunImage RunImage `json:"runImage"`
	} `json:"stack"`
	Images     []RunImage  `json:"images"`
	Buildpacks []Buildpack `json:"buildpacks"`
	Lifecycle  struct {
		Version string `json:"version"`
		API     struct {
			Platform string `json:"platform"`
		} `json:"api"`
		APIs apis `json:"apis"`
	} `json:"lifecycle"`
}

type apis struct {
	Platform  Versions `json:"platform"`
	Buildpack Versions `json:"buildpack"`
}

// Inspect reads the config of a builder image. Every error about the image
// itself wraps ErrNotABuilder and names what is missing.
func Inspect(img v1.Image) (*Builder, error) {
	digest, err := img.Digest()
	if err != nil {
		return nil, fmt.Errorf("read builder digest: %w", err)
	}
	config, err := bounds.Config(img)
	if err != nil {
		return nil, fmt.Errorf("read builder config: %w", err)
	}
	b := &Builder{Image: img, Digest: digest, Env: config.Config.Env, Target: targetOf(config)}
	if b.UID, b.GID, err = BuildUser(b.Env); err != nil {
		return nil, err
	}
	if err := b.readLabels(config.Config.Labels); err != nil {
		return nil, err
	}
	return b, nil
}

func (b *Builder) readLabels(labels map[string]string) error {
	raw, ok := labels[metadataLabel]
	if !ok {
		return fmt.Errorf("%w: label %s is missing", ErrNotABuilder, metadataLabel)
	}
	var md metadata
	if err := bounds.JSON([]byte(raw), &md); err != nil {
		return fmt.Errorf("%w: label %s cannot be read: %w", ErrNotABuilder, metadataLabel, err)
	}
	b.Lifecycle = md.Lifecycle.Version
	b.Buildpacks = md.Buildpacks
	b.RunImages = md.Images
	if len(b.RunImages) == 0 && md.Stack != nil && md.Stack.RunImage.Image != "" {
		b.RunImages = []RunImage{md.Stack.RunImage}
	}
	b.PlatformAPIs = md.Lifecycle.APIs.Platform.all()
	if len(b.PlatformAPIs) == 0 {
		var fromLabel apis
		if raw, ok := labels[lifecycleAPIsLabel]; ok && bounds.JSON([]byte(raw), &fromLabel) == nil {
			b.PlatformAPIs = fromLabel.Platform.all()
		}
	}
	if len(b.PlatformAPIs) == 0 && md.Lifecycle.API.Platform != "" {
		b.PlatformAPIs = []string{md.Lifecycle.API.Platform}
	}
	return nil
}

func targetOf(config *v1.ConfigFile) Target {
	return Target{
		OS:            config.OS,
		Architecture:  config.Architecture,
		Variant:       config.Variant,
		DistroName:    config.Config.Labels[distroNameLabel],
		DistroVersion: config.Config.Labels[distroVersionLabel],
	}
}

// BuildUser returns the ids of the build user from a builder's environment, a list
// of KEY=VALUE (CNB Platform specification, "Build Image"). Its errors wrap
// ErrNotABuilder and name the variable.
func BuildUser(env []string) (uid, gid int, err error) {
	if uid, err = idFromEnv(env, "CNB_USER_ID"); err != nil {
		return 0, 0, err
	}
	if uid == 0 {
		return 0, 0, hint.Errorf("make the builder from a build image whose CNB_USER_ID is an ordinary user's, or take another builder",
			"%w: CNB_USER_ID is 0; the lifecycle refuses to build as root", ErrNotABuilder)
	}
	gid, err = idFromEnv(env, "CNB_GROUP_ID")
	return uid, gid, err
}

func idFromEnv(env []string, key string) (int, error) {
	for _, entry := range env {
		value, ok := strings.CutPrefix(entry, key+"=")
		if !ok {
			continue
		}
		id, err := strconv.Atoi(value)
		if err != nil || id < 0 {
			return 0, fmt.Errorf("%w: %s is %q, not a number", ErrNotABuilder, key, value)
		}
		return id, nil
	}
	return 0, fmt.Errorf("%w: the image sets no %s", ErrNotABuilder, key)
}
