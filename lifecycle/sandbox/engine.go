package sandbox

import (
	"cmp"
	"context"
	"os"
	"sync"

	"github.com/pack-cache/pack-cache/internal/progress"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// Config says where the engine keeps its things. The zero value is useful.
type Config struct {
	// StoreDir keeps unpacked builder layers from build to build. The default
	// is pack-cache/builders in the user's cache directory, or a directory of
	// the user's own in the temporary directory where there is no home.
	StoreDir string
	// WorkDir is where places are made; they are gone after Close. The default
	// is the temporary directory.
	WorkDir string
	// MemoryDir is a directory of a file system in memory, where volumes are made
	// that PlaceSpec allows there, if there is room to spare; "" for none.
	MemoryDir string
	// Executable is the statically linked program that the engine's own processes
	// and own phases run. It calls Child first of all. The default is the running
	// program.
	Executable string
	// Progress receives what is not about a single place. It may be nil.
	Progress progress.Reporter
}

// Engine runs phases in namespaces. It is safe for concurrent use.
type Engine struct {
	config Config
	// candidates lists what to try as users of phases; see candidates.
	candidates func() (ids []identity, reasons []string)

	mu   sync.Mutex
	host *host // what the probe found; nil until it has succeeded
}

var (
	_ lifecycle.Engine = (*Engine)(nil)
	_ lifecycle.Pruner = (*Engine)(nil)
)

// New returns an engine. It does no I/O.
func New(config Config) *Engine {
	if config.WorkDir == "" {
		config.WorkDir = os.TempDir()
	}
	if config.Progress == nil {
		config.Progress = progress.Discard
	}
	return &Engine{config: config, candidates: candidates}
}

// Traits implements lifecycle.Engine.
func (e *Engine) Traits() lifecycle.Traits {
	return lifecycle.Traits{Name: "sandbox", Mounts: true, Early: true, Memory: true}
}

// Probe implements lifecycle.Engine: it starts a process in the namespaces,
// which assembles a root and an overlay, enters them and drops its privileges.
func (e *Engine) Probe(ctx context.Context) (lifecycle.Facts, error) {
	h, err := e.ready(ctx)
	if err != nil {
		return lifecycle.Facts{}, err
	}
	return lifecycle.Facts{How: map[string]string{
		asRoot:   "root with namespaces",
		asRange:  "root in a user namespace",
		asSubids: "a user namespace with subordinate ids",
		asSingle: "a user namespace with one id",
	}[h.identity.Kind]}, nil
}

// ready returns what is known about this machine, probing at the first call
// that gets an answer.
func (e *Engine) ready(ctx context.Context) (*host, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.host != nil {
		return e.host, nil
	}
	stores, why, err := findStores(e.config.StoreDir)
	if err != nil {
		return nil, err
	}
	work, err := workDir(e.config.WorkDir)
	if err != nil {
		return nil, err
	}
	program, err := confine.SealedCopy(cmp.Or(e.config.Executable, "/proc/self/exe"))
	if err != nil {
		return nil, err
	}
	h := &host{stores: stores, noStore: why, work: work, program: program}
	ids, reasons := e.candidates()
	if err := h.probe(ctx, ids, reasons, e.config.Progress); err != nil {
		program.Close()
		if confine.NoRoom(err) {
			err = withRoomHint(err, work)
		}
		return nil, err
	}
	e.host = h
	return h, nil
}
