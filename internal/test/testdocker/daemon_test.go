package testdocker_test

import (
	"os"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testdocker"
)

// TestDaemon starts, restarts and closes a daemon of each kind.
func TestDaemon(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]testdocker.Options{"docker": {}, "podman": {Podman: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			daemon := testdocker.New(t, options)
			if err := daemon.Restart(t.Context()); err != nil {
				t.Fatalf("%v\n%s", err, daemon.Log())
			}
			for range 2 {
				if err := daemon.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := os.Lstat(daemon.Dir); err == nil {
				t.Errorf("%s is left", daemon.Dir)
			}
			if err := daemon.Restart(t.Context()); err == nil {
				t.Error("a closed daemon was restarted")
			}
		})
	}
}
