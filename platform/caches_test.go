package platform

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/kinds"
)

func read(t *testing.T, value string) kinds.Import {
	t.Helper()
	from, err := kinds.ReadImport(value, "")
	if err != nil {
		t.Fatal(err)
	}
	return from
}

func saved(t *testing.T, value string) kinds.Export {
	t.Helper()
	to, err := kinds.ReadExport(value, "")
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// TestLend gives phases the stores that they cannot reach and the keys to others.
func TestLend(t *testing.T) {
	t.Parallel()
	lend := func(imports []kinds.Import, exports []kinds.Export) (*resolved, error) {
		r := &resolved{imports: imports, exports: exports, loans: map[string]layers.Store{}, logins: map[string]kinds.Login{}}
		return r, r.lend(t.Context())
	}
	r, err := lend(
		[]kinds.Import{read(t, "type=local,src=/a,tag=main"), read(t, "r.example.com/b"), read(t, "type=local,src=/b"), read(t, "type=gha,scope=x")},
		[]kinds.Export{saved(t, "type=local,dest=/a")},
	)
	if err != nil {
		t.Fatal(err)
	}
	lent := map[string]string{}
	for id, store := range r.loans {
		lent[id] = store.String()
	}
	if diff := cmp.Diff(map[string]string{"import 1": "/a", "import 3": "/b", "export 1": "/a"}, lent); diff != "" {
		t.Error(diff)
	}
	if keys := slices.Collect(maps.Keys(r.logins)); !slices.Equal(keys, []string{"import 4"}) {
		t.Errorf("there are keys to %q", keys)
	}
	_, err = lend(nil, []kinds.Export{saved(t, "type=local,dest=/a"), saved(t, "type=local,dest=/a/.")})
	if _, ok := errors.AsType[*hint.UsageError](err); !ok {
		t.Errorf("saved twice: %v", err)
	}
}

func TestInsecureHosts(t *testing.T) {
	t.Parallel()
	r := &resolved{
		Options: Options{Insecure: []string{"given.example.com"}},
		imports: []kinds.Import{read(t, "type=registry,ref=a.example.com:5000/x,registry.insecure=true"), read(t, "b.example.com/x"), read(t, "type=local,src=/c")},
		exports: []kinds.Export{saved(t, "type=registry,ref=c.example.com/x:main,registry.insecure=true")},
	}
	want := []string{"given.example.com", "a.example.com:5000", "c.example.com"}
	if diff := cmp.Diff(want, r.insecureHosts()); diff != "" {
		t.Error(diff)
	}
}

// TestWithoutCaches leaves directories with caches out of the source, whichever
// way they are written.
func TestWithoutCaches(t *testing.T) {
	t.Parallel()
	app := t.TempDir()
	linked := filepath.Join(t.TempDir(), "app")
	if err := os.Symlink(app, linked); err != nil {
		t.Fatal(err)
	}
	r := &resolved{
		Options: Options{AppDir: linked},
		imports: []kinds.Import{read(t, "type=local,src="+filepath.Join(app, "deep", "in")), read(t, "type=local,src=/elsewhere"), read(t, "r.example.com/x")},
		exports: []kinds.Export{saved(t, "type=local,dest="+filepath.Join(linked, "out")), saved(t, "type=local,dest="+filepath.Dir(app))},
	}
	keep := r.withoutCaches(func(path string, _ bool) bool { return path != "excluded" })
	for path, want := range map[string]bool{
		"deep": true, "deep/in": false, "deep/in/index.json": false, "deep/inside": true,
		"out": false, "out/blobs": false, "output": true, "excluded": false, "src/out": true,
	} {
		if got := keep(path, false); got != want {
			t.Errorf("%s is kept: %t, want %t", path, got, want)
		}
	}
}
