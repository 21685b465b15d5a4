package phases

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner, cancel := deadline(t.Context(), time.Minute)
		defer cancel()
		<-inner.Done()
		err := late(t.Context(), inner, inner.Err())
		if err == nil || !strings.Contains(err.Error(), "its timeout of 1m0s is over") {
			t.Errorf("error %v", err)
		}
		if err := late(t.Context(), inner, nil); err != nil {
			t.Errorf("what succeeded late failed: %v", err)
		}
	})
}

func TestNoDeadline(t *testing.T) {
	t.Parallel()
	outer, stop := context.WithCancel(t.Context())
	inner, cancel := deadline(outer, 0)
	defer cancel()
	if _, ok := inner.Deadline(); ok {
		t.Error("there is a deadline")
	}
	stop()
	if err := late(outer, inner, inner.Err()); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestPausable does not count the time of a pause.
func TestPausable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		inner, pause, cancel := pausable(t.Context(), time.Minute)
		defer cancel()
		for range 2 {
			time.Sleep(20 * time.Second)
			err := pause(func(ctx context.Context) error {
				time.Sleep(time.Hour)
				return ctx.Err()
			})
			if err != nil {
				t.Fatalf("ended in a pause: %v", err)
			}
		}
		<-inner.Done()
		if took := time.Since(began); took != 2*time.Hour+time.Minute {
			t.Errorf("it took %s", took)
		}
		if err := late(t.Context(), inner, inner.Err()); err == nil || !strings.Contains(err.Error(), "timeout of 1m0s") {
			t.Errorf("error %v", err)
		}
	})
}
