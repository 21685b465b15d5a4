package docker

import (
	"context"
	"sync"

	"github.com/pack-cache/pack-cache/internal/progress"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// Config says which daemon to use, and with what. The zero value is useful.
type Config struct {
	// Host is where the daemon listens, such as unix:///run/docker.sock or
	// tcp://build.example.com:2376. The default is what DOCKER_HOST says, or
	// else the usual socket. The other variables of Docker's clients, such as
	// DOCKER_CERT_PATH, are followed, too.
	Host string
	// Executable is the statically linked Linux program that own phases run.
	// The default is the running program.
	Executable string
	// Init is the statically linked Linux program that starts every phase: one
	// that calls inside.Child. The default is the running program.
	Init string
	// Progress receives what is not about a single place. It may be nil.
	Progress progress.Reporter
}

// Engine runs phases in containers. It is safe for concurrent use.
type Engine struct {
	config Config

	mu     sync.Mutex
	daemon *daemon // nil until a probe has succeeded
}

var (
	_ lifecycle.Engine    = (*Engine)(nil)
	_ lifecycle.Addressed = (*Engine)(nil)
)

// New returns an engine. It does no I/O.
func New(config Config) *Engine {
	if config.Progress == nil {
		config.Progress = progress.Discard
	}
	return &Engine{config: config}
}

// Traits implements lifecycle.Engine.
func (e *Engine) Traits() lifecycle.Traits {
	return lifecycle.Traits{
		Name: "docker", Mounts: true, Remote: true, Foreign: true, Daemon: true, Images: keeper{e}, Extends: true,
	}
}

// At implements lifecycle.Addressed.
func (e *Engine) At(host string) lifecycle.Engine {
	config := e.config
	config.Host = host
	return New(config)
}

// Probe implements lifecycle.Engine: it asks the daemon what it is, and whether
// it can run the programs that the engine has for it.
func (e *Engine) Probe(ctx context.Context) (lifecycle.Facts, error) {
	d, err := e.ready(ctx)
	if err != nil {
		return lifecycle.Facts{}, err
	}
	return lifecycle.Facts{How: d.product + " at " + d.api.DaemonHost()}, nil
}

// ready returns the daemon with the programs for its containers.
func (e *Engine) ready(ctx context.Context) (*daemon, error) {
	d, err := e.connected(ctx)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if d.programs == nil {
		d.programs, err = readPrograms(e.config, d.arch)
	}
	return d, err
}

// connected returns the daemon, probing it at the first call that gets an answer.
func (e *Engine) connected(ctx context.Context) (*daemon, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.daemon != nil {
		return e.daemon, nil
	}
	d, err := probe(ctx, e.config)
	if err != nil {
		return nil, err
	}
	e.daemon = d
	return d, nil
}
