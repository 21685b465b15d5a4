package lifecycle

import (
	"context"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/progress"
)

// Engine gives phases a place to run. Implementations are safe for concurrent
// use, and every one of them passes enginetest. Addressed and Pruner are
// optional.
type Engine interface {
	// Traits says what the engine is like on every machine. It does no I/O, and the
	// answer is always the same.
	Traits() Traits
	// Probe finds out by doing whether the engine can work here, and what it is
	// like here. A nil error means that Open may be called; any other says what is
	// missing and has a Hint() string with the remedy.
	Probe(ctx context.Context) (Facts, error)
	// Open readies a place for the phases of one build: it makes the volumes, and
	// fetches and unpacks the builder, which Place.Ready waits for. The caller
	// closes the place.
	Open(ctx context.Context, spec PlaceSpec) (Place, error)
}

// PlaceSpec says what a place is made of.
type PlaceSpec struct {
	// Builder is the builder image, already resolved to one digest and one
	// platform. Its layers are read at most once.
	Builder v1.Image
	// User owns the volumes.
	User User
	// Volumes are the names of the empty directories to make. They live as long
	// as the place and keep their content from phase to phase.
	Volumes []string
	// Trusted says that the builder's code may see what this process can. An
	// engine that cannot keep the two apart needs it.
	Trusted bool
	// HostUserns puts everything into the user namespace of the daemon's
	// machine, where the daemon would make others. Only an engine whose Traits say
	// Daemon takes it into account.
	HostUserns bool
	// InMemory are those of the volumes that an engine whose Traits say Memory may
	// keep in memory, if there is plenty for Expected bytes in all of them; 0 is
	// not known.
	InMemory []string
	Expected int64
	// Prepare are phases of the build for which the engine may make ready what it
	// can, beside other phases. A phase runs all the same where that fails.
	Prepare []Phase
	// Leave lets Close of a place in which nothing has failed return while another
	// process still removes what is left on the machine.
	Leave bool
	// Progress receives what the user may want to know while the builder is
	// fetched. It may be nil.
	Progress progress.Reporter
}

// Place is where the phases of one build run, one after the other or side by
// side. Its methods are safe for concurrent use, so Import and Export also work
// in a volume that a running phase has; after Close they fail. Extender is optional.
type Place interface {
	// Run runs one phase to its end.
	//
	// It returns nil when the process exits with 0, an *ExitError when it exits
	// otherwise or is killed by a signal, ctx.Err() when ctx ends first (the
	// phase and everything it started are gone then), and any other error when
	// the phase could not be started. Nothing that the phase started outlives
	// Run. Output is passed on as it comes.
	Run(ctx context.Context, phase Phase, streams Streams) error
	// Import unpacks a tar stream into a volume. Every entry becomes the
	// property of the place's user, whatever its header says; entry names are
	// relative to the volume and cannot leave it.
	Import(ctx context.Context, volume string, archive io.Reader) error
	// Export returns one regular file of a volume. Symbolic links in the
	// volume are not followed out of it. The error is fs.ErrNotExist when there
	// is no such file.
	Export(ctx context.Context, volume, path string) (io.ReadCloser, error)
	// Ready waits until the builder is there, and fails if it cannot be. Phases that
	// need the builder wait for it by themselves, and fail with the same error.
	Ready(ctx context.Context) error
	// Facts says how the place is now.
	Facts() PlaceFacts
	// Close removes everything the place left on the machine, except content
	// that the next build can use again (unpacked builder layers). It is
	// idempotent.
	Close() error
}

// Streams are a phase's standard streams. A nil Stdin is /dev/null; a nil
// writer throws away.
type Streams struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// ExitError reports a phase that ran and failed.
type ExitError struct {
	Phase Name
	// Code is the exit code, or 128 + the signal's number.
	Code int
}

// Error implements error.
func (e *ExitError) Error() string {
	return fmt.Sprintf("phase %s failed with exit code %d", e.Phase, e.Code)
}
