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

// Traits are what an engine is like on every machine. The zero value of a field
// is what asks least of an engine.
type Traits struct {
	// Name is the engine's name as --engine spells it.
	Name string
	// Where says in a few words what place the engine is for, in the help of
	// --engine; "" for no special one.
	Where string
	// Mounts says that it can mount what the user wants where the user wants it. An
	// engine that cannot has fixed paths for the volumes, Facts.Paths; parts of the
	// builder can be mounted onto the path that they are of.
	Mounts bool
	// Remote says that phases may run on another machine: paths of the host are
	// that machine's.
	Remote bool
	// Foreign says that there may be other processors than this machine's.
	Foreign bool
	// Daemon says that it has what only a daemon has: networks and volumes by their
	// names, and user namespaces of its own.
	Daemon bool
	// Images are the images that the engine's daemon keeps, nil for none.
	Images Daemon
	// Resident says that phases run in the builder that this process itself is in,
	// Facts.Resident.
	Resident bool
	// Early says that a place can be used before its builder is there. Open returns
	// when the volumes are there. Phases with an OwnRoot and no mount of the builder
	// can run at once, all others wait. Such an engine can hide directories from
	// phases (Phase.Hidden).
	Early bool
	// Memory says that it may keep volumes in memory.
	Memory bool
	// Extends says that its places are an Extender.
	Extends bool
}

// Facts are what an engine has found on this machine.
type Facts struct {
	// How says in a few words how the engine works here.
	How string
	// Paths are the only targets of mounts of volumes, if the engine cannot mount
	// them elsewhere.
	Paths Paths
	// Untrusted is why code of an untrusted builder cannot be run here, with a Hint;
	// nil if it can. NoNetwork is the same for NetworkNone.
	Untrusted, NoNetwork error
	// Resident is the builder that this process is in, nil where it is in none.
	Resident Resident
}

// Resident is the builder that this process itself is in.
type Resident interface {
	// Image returns the builder as an image with a config, as far as it can be
	// known, and without layers. Layers that are laid over it are what Open has to
	// add.
	Image(ctx context.Context) (v1.Image, error)
	// Is fails, with a Hint, if an image that the user names is not that builder.
	Is(ctx context.Context, named v1.Image) error
}

// PlaceFacts are how a place is.
type PlaceFacts struct {
	// Room says what the user can do when the place is full.
	Room string
	// InMemory says that volumes are in memory, and OutOfMemory that nothing more
	// goes into them.
	InMemory, OutOfMemory bool
	// Moved are directories of this machine whose files are elsewhere until the
	// place is closed: the absolute path of each, and where its files are.
	Moved map[string]string
}
