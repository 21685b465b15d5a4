package turn

import (
	"context"
	"errors"
	"testing"
)

func TestLock(t *testing.T) {
	t.Parallel()
	l := New()
	if err := l.Take(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	waiting := make(chan error)
	go func() { waiting <- l.Take(ctx) }()
	cancel()
	if err := <-waiting; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v from a lock that is held", err)
	}
	l.Give()
	if err := l.Take(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v with a context that has ended", err)
	}
	if err := l.Take(t.Context()); err != nil {
		t.Errorf("got %v after the lock was given back", err)
	}
}
