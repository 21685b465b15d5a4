package sandbox

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pack-cache/pack-cache/lifecycle"
)

func TestRemoveAbandoned(t *testing.T) {
	t.Parallel()
	h := &host{work: t.TempDir()}
	make := func(name string, claimed bool) string {
		dir := filepath.Join(h.work, name)
		if err := os.MkdirAll(filepath.Join(dir, "volumes"), 0o700); err != nil {
			t.Fatal(err)
		}
		if claimed {
			file, err := claim(dir)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { file.Close() })
		}
		return dir
	}
	abandon := func(dir string) string {
		file, err := claim(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	old := make(probePrefix+"old", false)
	long := time.Now().Add(-time.Hour)
	if err := os.Chtimes(old, long, long); err != nil {
		t.Fatal(err)
	}
	abandoned := []string{abandon(make(placePrefix+"abandoned", false)), abandon(make(probePrefix+"abandoned", false)), old}
	elsewhere := abandon(make("elsewhere", false))
	if err := os.Symlink(elsewhere, filepath.Join(h.work, placePrefix+"link")); err != nil {
		t.Fatal(err)
	}
	stay := []string{
		make(placePrefix+"used", true), make(placePrefix+"new", false), elsewhere,
		make(probePrefix+"used", true), make(probePrefix+"new", false),
	}

	h.removeAbandoned(t.Context(), h.work, lifecycle.User{UID: os.Geteuid(), GID: os.Getegid()})
	for _, dir := range abandoned {
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", filepath.Base(dir), err)
		}
	}
	for _, dir := range stay {
		if _, err := os.Stat(filepath.Join(dir, "volumes")); err != nil {
			t.Errorf("%s should have stayed: %v", filepath.Base(dir), err)
		}
	}
}

// TestRemovalIsNotWaitedFor has a build go on beside a removal that takes long.
func TestRemovalIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began, more := time.Now(), make(chan struct{})
		if waitFor(t.Context(), patientRemoval, func() { <-more }) {
			t.Error("it ended without an end")
		}
		if waited := time.Since(began); waited != patientRemoval {
			t.Errorf("it was waited for %s", waited)
		}
		close(more)
		if !waitFor(t.Context(), patientRemoval, func() { time.Sleep(patientRemoval / 2) }) {
			t.Error("what ends in time was not waited for")
		}
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		if waitFor(cancelled, patientRemoval, func() { time.Sleep(time.Second) }) {
			t.Error("a cancelled build waited")
		}
		time.Sleep(time.Minute) // what has been left alone ends
	})
}
