package base_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/until"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/base"
)

// work says what it is asked for.
type work struct{ failure error }

func (w *work) Unpack(_ context.Context, volume string, archive io.Reader) error {
	_, err := io.ReadAll(archive)
	return errors.Join(w.failure, err)
}

func (w *work) OpenFile(_ context.Context, volume, path string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(volume + ":" + path)), w.failure
}

func (w *work) Advise(err error) error { return fmt.Errorf("%w (advice)", err) }

func TestErrors(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		name string
		ctx  context.Context
		err  error
		want string
	}{
		{"none", t.Context(), nil, "<nil>"},
		{"any", t.Context(), fs.ErrNotExist, "a phase: file does not exist (advice)"},
		{"of a phase", t.Context(), &lifecycle.ExitError{Phase: "build", Code: 2}, "phase build failed with exit code 2 (advice)"},
		{"cancelled", cancelled, fmt.Errorf("wrapped: %w", context.Canceled), "context canceled"},
		{"cancelled by somebody else", t.Context(), context.Canceled, "a phase: the place is closed (advice)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := base.New(&work{}).Do(test.ctx, "a phase", func(context.Context) error { return test.err })
			if got := fmt.Sprint(err); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestVolumes(t *testing.T) {
	t.Parallel()
	p := base.New(&work{})
	p.Volumes["app"] = "/place/app"
	if err := p.Import(t.Context(), "app", strings.NewReader("")); err != nil {
		t.Error(err)
	}
	file, err := p.Export(t.Context(), "app", "a/b")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(file); string(got) != "/place/app:a/b" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	_, err = p.Export(t.Context(), "other", "a")
	for _, err := range []error{err, p.Import(t.Context(), "other", strings.NewReader(""))} {
		if fmt.Sprint(err) != `no volume "other"` {
			t.Errorf("got %v", err)
		}
	}
}

// TestShut ends a place in which something is being done, twice.
func TestShut(t *testing.T) {
	t.Parallel()
	p := base.New(&work{})
	begun, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- p.Do(t.Context(), "a phase", func(ctx context.Context) error {
			close(begun)
			<-ctx.Done()
			return ctx.Err()
		})
	}()
	<-begun
	failure, removals := errors.New("something is left"), 0
	for range 2 {
		err := p.Shut(func() error {
			removals++
			return failure
		})
		if !errors.Is(err, failure) {
			t.Errorf("got %v", err)
		}
	}
	if removals != 1 {
		t.Errorf("it was removed %d times", removals)
	}
	if err := <-ended; !errors.Is(err, base.ErrClosed) {
		t.Errorf("what was being done: %v", err)
	}
	p.Volumes["app"] = ""
	_, err := p.Export(t.Context(), "app", "a")
	for _, err := range []error{err, p.Import(t.Context(), "app", strings.NewReader("")), p.Do(t.Context(), "more", nil)} {
		if !errors.Is(err, base.ErrClosed) {
			t.Errorf("in a closed place: %v", err)
		}
	}
}

func TestReaders(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var failures base.ReadErrors
	r := failures.Of(until.Reader(ctx, strings.NewReader("abc")))
	if _, err := io.ReadFull(r, make([]byte, 3)); err != nil || failures.First() != nil {
		t.Errorf("got %v, %v", err, failures.First())
	}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, io.EOF) || failures.First() != nil {
		t.Errorf("got %v, %v", err, failures.First())
	}
	cancel()
	_, _ = r.Read(make([]byte, 1))
	failures.Add(errors.New("a later one"))
	if err := failures.First(); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
