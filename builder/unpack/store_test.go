package unpack

import (
	"archive/tar"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// leftovers lists what is in a store apart from locks.
func leftovers(dir string) []string {
	var left []string
	for _, k := range []kind{layerKind, flatKind} {
		entries, _ := os.ReadDir(filepath.Join(dir, string(k)))
		for _, e := range entries {
			if !strings.HasSuffix(e.Name(), lockSuffix) {
				left = append(left, string(k)+"/"+e.Name())
			}
		}
	}
	return left
}

func TestOpen(t *testing.T) {
	t.Parallel()
	t.Run("nobody else can look into it", func(t *testing.T) {
		t.Parallel()
		parent := t.TempDir()
		if err := unix.Chmod(parent, 0o2777); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(parent, "a/b")
		if err := os.MkdirAll(filepath.Join(dir, "layers"), 0o755); err != nil {
			t.Fatal(err)
		}
		openStore(t, dir, Options{})
		for _, k := range []kind{layerKind, flatKind} {
			var st unix.Stat_t
			if err := unix.Lstat(filepath.Join(dir, string(k)), &st); err != nil || st.Mode&0o7777 != 0o700 {
				t.Errorf("%s has mode %o, %v", k, st.Mode&0o7777, err)
			}
		}
	})
	t.Run("in the way", func(t *testing.T) {
		t.Parallel()
		for name, prepare := range map[string]func(string) error{
			"file": func(p string) error { return os.WriteFile(p, nil, 0o600) },
			"link": func(p string) error { return os.Symlink(t.TempDir(), p) },
		} {
			dir := t.TempDir()
			if err := prepare(filepath.Join(dir, "layers")); err != nil {
				t.Fatal(err)
			}
			_, err := Open(dir, Options{})
			var bad *DirError
			if !errors.As(err, &bad) || bad.Hint() == "" || !strings.Contains(err.Error(), dir) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	t.Run("of another user", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		if os.Geteuid() == 0 {
			if err := os.MkdirAll(filepath.Join(dir, "layers"), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Chown(filepath.Join(dir, "layers"), 4711, 4711); err != nil {
				t.Fatal(err)
			}
		} else {
			dir = "/"
		}
		var bad *DirError
		if _, err := Open(dir, Options{}); !errors.As(err, &bad) {
			t.Errorf("got %v", err)
		}
	})
}

func TestMessages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	layers := []*fakeLayer{
		newLayer(pax(t, file("a", "1")), gzipped),
		newLayer(pax(t, file("b", "2")), gzipped),
		newLayer(pax(t, typed(tar.TypeChar, "c", 0, 0), typed(tar.TypeChar, "d", 0, 0)), gzipped),
	}
	for _, l := range layers {
		l.blob = append(l.blob, make([]byte, 1_300_000)...)
		l.size, l.digest = int64(len(l.blob)), hashOf(l.blob)
	}
	opts := Options{UserXattr: os.Geteuid() != 0}
	run := func(layers ...*fakeLayer) *fakeReporter {
		r := newReporter()
		if _, err := openStore(t, dir, opts).Layers(t.Context(), image(layers...), r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	first := run(layers[0])
	rest := run(layers...)
	again := run(layers...)
	got := [][]string{first.infos(), rest.infos(), again.infos()}
	want := [][]string{
		{"Fetching builder: 1 of 1 layers, 1 MB"},
		{"Fetching builder: 2 of 3 layers, 3 MB"},
		{"Builder layers already unpacked"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := []int{len(first.debug), len(rest.debug), len(again.debug)}; !slices.Equal(n, []int{1, 2, 0}) {
		t.Errorf("details: %d", n)
	}
	const note = "; skipped device 0:0, which would be an overlay whiteout (2)"
	if !slices.ContainsFunc(rest.debug, func(m string) bool {
		return strings.HasPrefix(m, "Unpacked layer "+layers[2].digest.String()) && strings.HasSuffix(m, note)
	}) {
		t.Errorf("no note in %q", rest.debug)
	}
}

func TestOwners(t *testing.T) {
	t.Parallel()
	self := fmt.Sprintf("%d:%d", os.Geteuid(), os.Getegid())
	shift := func(uid, gid int) (int, int, bool) { return 100000 + uid, 200000 + gid, true }
	entries := []entry{
		file("f", "x").with(owner(1000, 2000)).with(mode(0o4755)), dir("d").with(owner(3, 4)).with(mode(0o2770)),
		symlink("s", "f").with(owner(5, 6)), typed(tar.TypeFifo, "p", 0, 0).with(owner(7, 8)), file("implicit/f", ""),
	}
	tests := []struct {
		name  string
		owner func(int, int) (int, int, bool)
		root  bool
		want  map[string]string
	}{
		{"as in the archive", nil, true, map[string]string{".": "0:0", "f": "1000:2000", "d": "3:4", "s": "5:6", "p": "7:8", "implicit": "0:0", "implicit/f": "0:0"}},
		{"moved", shift, true, map[string]string{".": "100000:200000", "f": "101000:202000", "d": "100003:200004", "s": "100005:200006", "p": "100007:200008", "implicit": "100000:200000", "implicit/f": "100000:200000"}},
		{"not as root", nil, false, map[string]string{".": self, "f": self, "d": self, "s": self, "p": self, "implicit": self, "implicit/f": self}},
		{"left alone", keepOwner(true), os.Geteuid() == 0, map[string]string{".": self, "f": self, "d": self, "s": self, "p": self, "implicit": self, "implicit/f": self}},
	}
	// All share a directory and must not get each other's trees.
	store, img := t.TempDir(), image(newLayer(pax(t, entries...), gzipped))
	for _, c := range tests {
		if c.root != (os.Geteuid() == 0) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := openStore(t, store, Options{Owner: c.owner, UserXattr: !c.root})
			paths, err := s.Layers(t.Context(), img, nil)
			if err != nil {
				t.Fatal(err)
			}
			flat, err := s.Flat(t.Context(), img, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range []string{paths[0], flat} {
				nodes, got := mustManifest(t, path), map[string]string{}
				for name, n := range nodes {
					got[name] = n.Owner
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if nodes["f"].Mode != 0o4755 || nodes["d"].Mode != 0o2770 {
					t.Errorf("modes %o, %o", nodes["f"].Mode, nodes["d"].Mode)
				}
			}
		})
	}
}

func TestPrune(t *testing.T) {
	t.Parallel()
	dir, opts := t.TempDir(), Options{UserXattr: os.Geteuid() != 0}
	t.Cleanup(func() { removeAll(dir) }) // the testing package leaves read-only directories
	big := strings.Repeat("0123456789abcdef", 1<<16)
	old := image(newLayer(pax(t, readOnly("locked"), file("locked/a", big), hardlink("b", "locked/a")), gzipped))
	used := image(newLayer(pax(t, file("u", "used")), gzipped))
	fill := func(img *fakeImage) (*Store, []string) {
		s := openStore(t, dir, opts)
		paths, err := s.Layers(t.Context(), img, nil)
		if err != nil {
			t.Fatal(err)
		}
		return s, paths
	}
	first, oldPaths := fill(old)
	if _, err := first.Flat(t.Context(), old, nil); err != nil {
		t.Fatal(err)
	}
	_, usedPaths := fill(used)
	prune := func(since time.Time) int64 {
		freed, err := openStore(t, dir, opts).Prune(t.Context(), since)
		if err != nil {
			t.Fatal(err)
		}
		return freed
	}
	later := time.Now().Add(time.Hour)
	if freed := prune(later); freed != 0 || !exists(oldPaths[0]) {
		t.Errorf("freed %d bytes in use", freed)
	}
	first.Close()
	first.Close()
	if freed := prune(time.Now().Add(-time.Hour)); freed != 0 || !exists(oldPaths[0]) {
		t.Errorf("freed %d bytes that were used a moment ago", freed)
	}
	if unused, err := openStore(t, dir, opts).Unused(t.Context(), later); err != nil || unused < 2<<20 || unused > 3<<20 || !exists(oldPaths[0]) {
		t.Errorf("%d bytes are unused, %v; want 2 MiB and a little", unused, err)
	}
	if freed := prune(later); freed < 2<<20 || freed > 3<<20 {
		t.Errorf("freed %d bytes, want 2 MiB and a little", freed)
	}
	want := []string{"layers/" + filepath.Base(usedPaths[0])}
	if diff := cmp.Diff(want, leftovers(dir)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := os.Lstat(oldPaths[0] + lockSuffix); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the lock file is still there: %v", err)
	}
	fill(old)
}

// readOnly is a directory into which not even its owner may write.
func readOnly(name string) entry { return dir(name).with(mode(0o555)) }
