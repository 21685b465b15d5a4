package platform

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/kinds"
	"github.com/pack-cache/pack-cache/layers/ocidir"
)

func local(attr, dir string) kinds.Location {
	return kinds.Location{Type: "local", Attrs: map[string]string{attr: dir}}
}

func image(ref string, insecure bool) kinds.Location {
	l := kinds.Location{Type: "registry", Attrs: map[string]string{"ref": ref}}
	if insecure {
		l.Attrs[insecureAttr] = "true"
	}
	return l
}

// TestLend gives phases the stores that they cannot reach, and no others.
func TestLend(t *testing.T) {
	t.Parallel()
	open := func(_ context.Context, at kinds.Location, _ kinds.Credentials) (layers.Store, string, error) {
		return ocidir.New(ocidir.Config{Dir: at.Attrs["src"] + at.Attrs["dest"]}), "main", nil
	}
	p := &Platform{Caches: kinds.List{{Type: "local", Open: open, Lent: true}, {Type: "registry", Open: func(context.Context, kinds.Location, kinds.Credentials) (layers.Store, string, error) {
		return nil, "", errors.New("a registry was opened")
	}}}}
	r := &resolved{
		imports: []kinds.Import{{Location: local("src", "/a")}, {Location: image("r.example.com/b", false)}, {Location: local("src", "/b")}},
		exports: []kinds.Export{{Location: local("dest", "/a")}},
	}
	if err := p.lend(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	var loans []*kinds.Loan
	for _, at := range r.locations() {
		loans = append(loans, at.Loan)
	}
	want := []*kinds.Loan{{Number: 0, Store: "/a", Name: "main"}, nil, {Number: 1, Store: "/b", Name: "main"}, {Number: 2, Store: "/a", Name: "main"}}
	if diff := cmp.Diff(want, loans); diff != "" {
		t.Error(diff)
	}
	for i, dir := range []string{"/a", "/b", "/a"} {
		if got := r.loans[i].String(); got != dir {
			t.Errorf("loan %d is %s, want %s", i, got, dir)
		}
	}
	r = &resolved{exports: []kinds.Export{{Location: local("dest", "/a")}, {Location: local("dest", "/a/.")}}}
	err := p.lend(t.Context(), r)
	if _, ok := errors.AsType[*hint.UsageError](err); !ok {
		t.Errorf("saved twice: %v", err)
	}
}

func TestInsecureHosts(t *testing.T) {
	t.Parallel()
	r := &resolved{
		Options: Options{Insecure: []string{"given.example.com"}},
		imports: []kinds.Import{{Location: image("a.example.com:5000/x", true)}, {Location: image("b.example.com/x", false)}, {Location: local("src", "/c")}},
		exports: []kinds.Export{{Location: image("c.example.com/x:main", true)}},
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
		imports: []kinds.Import{{Location: local("src", filepath.Join(app, "deep", "in"))}, {Location: local("src", "/elsewhere")}, {Location: image("r.example.com/x", false)}},
		exports: []kinds.Export{{Location: local("dest", filepath.Join(linked, "out"))}, {Location: local("dest", filepath.Dir(app))}},
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
