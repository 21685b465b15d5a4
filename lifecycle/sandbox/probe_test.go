package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest"
)

// TestProbeFails makes sure that a machine on which it does not work is told
// apart, with what was tried and a remedy.
func TestProbeFails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		ids  []identity
		want []string
	}{
		{"no identity", nil, []string{"no sandbox can be made here"}},
		{
			"ids of others",
			[]identity{{Kind: asSubids, UIDs: []extent{{0, 3_000_000_000, 70000}}, GIDs: []extent{{0, 3_000_000_000, 70000}}}},
			[]string{"no sandbox can be made here", `"subids"`, "newuidmap"},
		},
		{
			"a map that the kernel refuses",
			[]identity{{Kind: asRange, UIDs: []extent{{0, 0, 0}}, GIDs: []extent{{0, 0, 0}}}},
			[]string{"no sandbox can be made here", `"range"`, "user namespace"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			work := t.TempDir()
			e := New(Config{StoreDir: t.TempDir(), WorkDir: work, Executable: enginetest.Program(t)})
			e.candidates = func() ([]identity, []string) { return test.ids, nil }
			_, err := e.Probe(t.Context())
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if hint.Of(err) == "" {
				t.Errorf("no hint in %v", err)
			}
			if left := entries(t, work); len(left) > 0 {
				t.Errorf("left are %v", left)
			}
		})
	}
}

func TestStoreDir(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("XDG_CACHE_HOME", "")
	for _, test := range []struct{ name, home, want string }{
		{"home", filepath.Join(temp, "home"), filepath.Join(temp, "home/.cache/pack-cache/builders")},
		{"no home", "", "pack-cache-"},
		{"a home that cannot be written to", "/proc/no/such/dir", "pack-cache-"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("HOME", test.home)
			got, why, err := findStores("")
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(got.Main, temp) || !strings.Contains(got.Main, test.want) || got.Spare != "" {
				t.Errorf("got %+v", got)
			}
			if said := strings.Contains(why, got.Main); said != (test.name != "home") {
				t.Errorf("it says %q", why)
			}
		})
	}
	t.Run("of someone else", func(t *testing.T) {
		if os.Geteuid() != 0 {
			t.Skip("only root can give a directory away")
		}
		dir := filepath.Join(temp, "other")
		if err := errors.Join(os.Mkdir(dir, 0o777), os.Chown(dir, 4242, 4242)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := findStores(dir); err == nil {
			t.Error("no error")
		}
	})
}
