package lifecycle

import "context"

// Early is what an Engine may be besides: one whose places can be used before
// their builder is there.
type Early interface {
	Engine
	// OpenEarly is Open, but returns when the volumes are there. Phases with an
	// OwnRoot and no mount of the builder can run at once; all others wait.
	// Progress goes on being told. An error of the builder is that of WaitBuilder
	// and of the phases that need it.
	OpenEarly(ctx context.Context, spec PlaceSpec) (EarlyPlace, error)
}

// EarlyPlace is a place whose builder may not be there yet.
type EarlyPlace interface {
	Place
	// WaitBuilder waits until the builder is there, and fails if it cannot be.
	WaitBuilder(ctx context.Context) error
}

// Forgetful is what a Place may be besides: one whose volumes may be in memory.
type Forgetful interface {
	// InMemory reports whether they are.
	InMemory() bool
	// OutOfMemory reports whether they are and nothing more goes into them.
	OutOfMemory() bool
}

// NeedsBuilder reports whether a phase can run only when the builder is there.
func (p Phase) NeedsBuilder() bool {
	if p.Root == BuilderRoot {
		return true
	}
	for _, m := range p.Mounts {
		if m.Builder != "" {
			return true
		}
	}
	return false
}
