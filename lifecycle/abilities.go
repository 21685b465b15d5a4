package lifecycle

import (
	"context"
	"errors"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// ErrElsewhere is wrapped by the error of an engine's Probe that works only in
// a kind of place that this is not. It is no reason to be told to the user when
// another engine works.
var ErrElsewhere = errors.New("not in such a place")

// Described is what an Engine may be besides: one that can say how it works
// here.
type Described interface {
	// Describe says it in a few words, after a successful Probe.
	Describe() string
}

// Resident is what an Engine may be besides: one that runs phases in the builder
// that this process itself is in.
type Resident interface {
	// Builder returns the builder as an image with a config, as far as it can
	// be known, and without layers. Layers that are laid over it are what Open
	// has to add. The Probe has succeeded.
	Builder(ctx context.Context) (v1.Image, error)
	// Is fails, with a Hint, if an image that the user names is not that
	// builder.
	Is(ctx context.Context, named v1.Image) error
}

// Selective is what an Engine may be besides: one that cannot run every build
// where its Probe succeeds.
type Selective interface {
	// Accept fails, with a Hint, for a build that it cannot run.
	Accept(Demand) error
}

// Demand is what a build wants of its engine.
type Demand struct {
	// Trusted is that of PlaceSpec.
	Trusted bool
	// User is the build user.
	User User
	// Network is what detect and build are to see.
	Network Network
}

// Daemonic is what an Engine may be besides: one that has a daemon run the
// phases, and so can do what only a daemon can: networks and volumes by their
// name, another user namespace, and perhaps other processors.
type Daemonic interface {
	Engine
	// At returns the same engine for the daemon that listens at host, such as
	// tcp://build.example.com:2376. It does no I/O.
	At(host string) Daemonic
	// Images are the images of the daemon. It does no I/O.
	Images() Daemon
}

// Fixed is what an Engine may be besides: one that cannot mount anything, so
// that phases have to find volumes where it has them.
type Fixed interface {
	// Paths are the only targets of mounts of volumes, after a successful Probe.
	// Builder mounts are possible onto the path that they are of.
	Paths() Paths
}

// Displacing is what a Place may be besides: one that has moved files of this
// machine out of the way until it is closed.
type Displacing interface {
	// Where says where the file is now that was at an absolute path.
	Where(path string) string
}

// Preparer is what a Place may be besides: one that can ready part of a phase
// before it is run.
type Preparer interface {
	// Prepare may be called beside other phases. A phase that was not prepared, or
	// only in part because of an error, runs all the same; it takes longer.
	Prepare(ctx context.Context, phase Phase) error
}

// Leaver is what a Place may be besides: one that need not be waited for when it is
// no longer needed.
type Leaver interface {
	// Leave is Close, but a process may go on removing what is left on the machine
	// after this one has ended.
	Leave() error
}
