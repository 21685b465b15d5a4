package base

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/pack-cache/pack-cache/lifecycle"
)

// ErrClosed says that a place is no longer there.
var ErrClosed = errors.New("the place is closed")

// Work is what each engine does its own way.
type Work interface {
	// Unpack unpacks an archive into a volume, as lifecycle.Place.Import promises.
	// The volume is a value of Place.Volumes.
	Unpack(ctx context.Context, volume string, archive io.Reader) error
	// OpenFile opens a file of a volume, as lifecycle.Place.Export promises. ctx
	// is over when it returns.
	OpenFile(ctx context.Context, volume, path string) (io.ReadCloser, error)
	// Advise adds to an error what the user can do about it where the place is
	// full, and returns other errors as they are.
	Advise(err error) error
}

// Place is the part of a place that is the same in every engine. Its methods are
// safe for concurrent use.
type Place struct {
	// Volumes are where the engine finds the volumes, by their names. They are set
	// before the place is used.
	Volumes map[string]string

	work Work

	mu      sync.Mutex
	closed  bool
	closing chan struct{} // closed by Shut
	running sync.WaitGroup
	shut    sync.Once
	result  error // of Shut
	failed  atomic.Bool
}

// New returns a place without volumes.
func New(work Work) *Place {
	return &Place{work: work, Volumes: map[string]string{}, closing: make(chan struct{})}
}

// Do does something in the place, whose end it delays. The context of work also
// ends when the place is being closed. Errors are those of Explain.
func (p *Place) Do(ctx context.Context, what string, work func(context.Context) error) error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return ErrClosed
	}
	p.running.Add(1)
	p.mu.Unlock()
	defer p.running.Done()
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-p.closing:
			cancel()
		case <-inner.Done():
		}
	}()
	err := p.Explain(ctx, work(inner), what)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		p.failed.Store(true)
	}
	return err
}

// Failed reports whether something has failed in the place, apart from what was
// looked for and was not there.
func (p *Place) Failed() bool { return p.failed.Load() }

// Ready implements lifecycle.Place for engines whose Open waits for the builder.
func (p *Place) Ready(ctx context.Context) error { return ctx.Err() }

// Explain names what failed. It returns ctx.Err() where ctx is the reason, and an
// *lifecycle.ExitError without a name.
func (p *Place) Explain(ctx context.Context, err error, what string) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return ctx.Err()
	case errors.Is(err, context.Canceled):
		err = ErrClosed
	}
	err = p.work.Advise(err)
	if _, exited := errors.AsType[*lifecycle.ExitError](err); exited {
		return err
	}
	return fmt.Errorf("%s: %w", what, err)
}

// Import implements lifecycle.Place.
func (p *Place) Import(ctx context.Context, volume string, archive io.Reader) error {
	at, ok := p.Volumes[volume]
	if !ok {
		return fmt.Errorf("no volume %q", volume)
	}
	return p.Do(ctx, fmt.Sprintf("volume %s: import", volume), func(ctx context.Context) error {
		return p.work.Unpack(ctx, at, archive)
	})
}

// Export implements lifecycle.Place.
func (p *Place) Export(ctx context.Context, volume, path string) (file io.ReadCloser, err error) {
	at, ok := p.Volumes[volume]
	if !ok {
		return nil, fmt.Errorf("no volume %q", volume)
	}
	err = p.Do(ctx, fmt.Sprintf("volume %s: export", volume), func(ctx context.Context) (err error) {
		file, err = p.work.OpenFile(ctx, at, path)
		return err
	})
	if err != nil {
		return nil, err
	}
	return file, nil
}

// Shut ends the place: it stops what is being done there, waits for that, and
// removes what is left. Later calls wait for the first, and return what it did.
func (p *Place) Shut(remove func() error) error {
	p.shut.Do(func() {
		p.mu.Lock()
		p.closed = true
		p.mu.Unlock()
		close(p.closing)
		p.running.Wait()
		p.result = remove()
	})
	return p.result
}
