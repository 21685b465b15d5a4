package gha

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/test/testactions"
	"github.com/pack-cache/pack-cache/internal/test/testran"
	"github.com/pack-cache/pack-cache/internal/test/testservers"
)

// npm runs testdata/client.mjs as a run of the service.
func npm(t *testing.T, front *testactions.Front, version string, run testactions.Run, args ...string) {
	t.Helper()
	modules := filepath.Join(testservers.Find(t, "actions-cache"), "node_modules")
	script, err := filepath.Abs("testdata/client.mjs")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "node", append([]string{script, modules}, args...)...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "RUNNER_TEMP=" + dir, "GITHUB_WORKSPACE=" + dir,
		"ACTIONS_CACHE_SERVICE_V2=" + version, "ACTIONS_RESULTS_URL=" + front.URL, "ACTIONS_CACHE_URL=" + front.URL,
		"ACTIONS_RUNTIME_TOKEN=" + front.Token(run)}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("@actions/cache: %v\n%s", err, out)
	} else {
		t.Logf("%s", out)
	}
}

// TestOfficialClient has GitHub's own client work with the service that this
// package is tested against, and with what this package keeps in it.
func TestOfficialClient(t *testing.T) {
	t.Parallel()
	testran.Against(t, testran.Row{
		Subject: "GitHub Actions", Peer: "@actions/cache", Version: testran.Package(t, "actions-cache", "@actions/cache"),
		Done: "GitHub's own client reads what pack-cache has saved, and the other way round; it works with the service that tests use",
	})
	main := testactions.Run{Repository: "team/app", Refs: []string{"refs/heads/main"}}
	t.Run("version 1", func(t *testing.T) {
		t.Parallel()
		npm(t, testactions.New(t, nil), "", main, "roundtrip", t.TempDir())
	})
	t.Run("version 2", func(t *testing.T) {
		t.Parallel()
		front := testactions.New(t, testactions.InAzurite(t))
		npm(t, front, "true", main, "roundtrip", t.TempDir())

		// What this package wrote is what that client reads, and the other way
		// round: it moves a cache to another repository, entry by entry.
		large := noise(3<<20, 7)
		saved := save(t, newStore(front, 2, main), "app", v1.Hash{}, []byte("small"), large)
		other := testactions.Run{Repository: "team/fork", Refs: []string{"refs/heads/main"}}
		moved := 0
		for _, e := range front.Entries(main.Repository) {
			if e.Version != entryVersion {
				continue
			}
			file := filepath.Join(t.TempDir(), "entry")
			npm(t, front, "true", main, "restore", e.Key, e.Version, file)
			npm(t, front, "true", other, "save", e.Key, e.Version, file)
			moved++
		}
		if moved != 2 {
			t.Errorf("there were %d entries, want one of the snapshot and one of the large blob", moved)
		}
		wantSaved(t, newStore(front, 2, other), "app", saved, []byte("small"), large)
	})
}
