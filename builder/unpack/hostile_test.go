package unpack

import (
	"archive/tar"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/bounds"
)

// arena is a directory with a store in it and things around the store that an
// archive may want to touch.
type arena struct{ outside, store string }

func newArena(t testing.TB) arena {
	t.Helper()
	a := arena{outside: t.TempDir()}
	a.store = filepath.Join(a.outside, "here/store")
	t.Cleanup(func() { removeAll(a.store) })
	for _, dir := range []string{"victim", "here"} {
		if err := os.Mkdir(filepath.Join(a.outside, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"victim/file", "here/file"} {
		if err := os.WriteFile(filepath.Join(a.outside, path), []byte("untouched"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// state is everything outside the store.
func (a arena) state(t testing.TB) map[string]node {
	t.Helper()
	nodes := mustManifest(t, a.outside)
	for path, n := range nodes {
		if path == "here" || strings.HasPrefix(path, "here/store") {
			// The store itself may appear.
			n.MTime = nodes["."].MTime
			nodes[path] = n
		}
		if strings.HasPrefix(path, "here/store") {
			delete(nodes, path)
		}
	}
	return nodes
}

// up leads from any directory of a store to the arena and further.
const up = "../../../../../../../.."

func (a arena) cases() map[string][]entry {
	victim, file1 := a.outside+"/victim", a.outside+"/victim/file"
	rel := up + victim
	return map[string][]entry{
		"dots in the name":            {file("../../../../file", "x")},
		"dots to an absolute path":    {file(rel+"/file", "x")},
		"dots behind a directory":     {dir("a"), file("a/../../../../../file", "x")},
		"absolute name":               {file(file1, "x")},
		"absolute link, then through": {symlink("l", victim), file("l/file", "x"), dir("l/new")},
		"relative link, then through": {symlink("l", rel), file("l/file", "x"), dir("l/new")},
		"link to the root":            {symlink("l", "/"), file("l"+file1, "x")},
		"links that add up":           {symlink("a", ".."), symlink("b", "a/.."), symlink("c", "b/../.."), file("c/c/c/file", "x")},
		"file over a link":            {symlink("l", file1), file("l", "x").with(mode(0o777))},
		"directory over a link":       {symlink("l", victim), dir("l").with(mode(0o777)).with(xattr("user.x", "x"))},
		"directory, then link":        {dir("d").with(mode(0o777)), symlink("d", victim)},
		"link, mode of its target":    {symlink("l", file1).with(mode(0o777)).with(owner(1, 1))},
		"hard link by dots":           {hardlink("h", rel+"/file"), file("h", "x")},
		"hard link absolute":          {hardlink("h", file1)},
		"hard link through a link":    {symlink("l", victim), hardlink("h", "l/file")},
		"hard link to a link":         {symlink("l", file1), hardlink("h", "l"), file("h", "x")},
		"late hard link":              {hardlink("h", "l/file"), symlink("l", victim), dir("x")},
		"whiteout by dots":            {file("../../../victim/.wh.file", "")},
		"whiteout of dots":            {file(".wh...", "")},
		"whiteout of a dot":           {file(".wh..", "")},
		"whiteout of nothing":         {file(".wh.", "")},
		"whiteout through a link":     {symlink("l", victim), file("l/.wh.file", ""), file("l/.wh..wh..opq", "")},
		"whiteout of a link":          {symlink("l", victim), file(".wh.l", "")},
		"opaque root by dots":         {file("../.wh..wh..opq", "")},
		"mark in an attribute":        {dir("d").with(xattr("trusted.overlay.redirect", victim)).with(xattr("user.overlay.redirect", victim))},
		"a root that is a link":       {symlink(".", victim), file("file", "x")},
		"a root that is a file":       {file("/.", "x")},
		"slashes":                     {file("//..//./"+file1, "x"), file("a//b", "x")},
		"a long loop":                 {symlink("a", "b"), symlink("b", "a"), file("a/x", "x")},
		"an empty link target":        {entry{tar.Header{Typeflag: tar.TypeLink, Name: "a", Linkname: "."}, ""}},
		"a name that is too long":     {file(strings.Repeat("n/", 3000)+"f", "x")},
		"a component too long":        {file(strings.Repeat("n", 300), "x")},
		"too deep":                    {file(strings.Repeat("n/", 400)+"f", "x")},
		"temporary names":             {symlink("x"+tempSuffix, victim), file("x"+lockSuffix, "")},
		"a device of the host":        {typed(tar.TypeBlock, "disk", 1<<40, 3).with(gnu)},
	}
}

// TestHostile unpacks archives that want out. Whether they are refused matters
// less than that nothing outside the store changes.
func TestHostile(t *testing.T) {
	t.Parallel()
	for name := range newArena(t).cases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newArena(t)
			before := a.state(t)
			s := openStore(t, a.store, Options{UserXattr: os.Geteuid() != 0})
			l := newLayer(pax(t, a.cases()[name]...), gzipped)
			lower := newLayer(pax(t, symlink("l", a.outside+"/victim"), symlink("a", a.outside), symlink("d", up+a.outside)), gzipped)
			_, err := s.Layers(t.Context(), image(l), nil)
			_, errFlat := s.Flat(t.Context(), image(l), nil)
			_, errTwo := s.Flat(t.Context(), image(lower, l, l), nil)
			t.Log(err, errFlat, errTwo)
			if diff := cmp.Diff(before, a.state(t)); diff != "" {
				t.Errorf("changed outside (-before +after):\n%s", diff)
			}
			for _, left := range leftovers(a.store) {
				if strings.HasSuffix(left, tempSuffix) {
					t.Errorf("left behind %s", left)
				}
			}
		})
	}
}

// TestRefused checks that what cannot be unpacked is named.
func TestRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		entries []entry
		want    string
		is      error
	}{
		{"out of the image", []entry{file("a/../../b", "")}, `entry "a/../../b": the name leads out of the image`, nil},
		{"a link to nothing", []entry{hardlink("a", "b")}, `entry "a": link to "b": `, syscall.ENOENT},
		{"a loop", []entry{symlink("a", "a"), file("a/b", "")}, `entry "a/b": `, syscall.ELOOP},
		{"too deep", []entry{file(strings.Repeat("n/", 400)+"f", "")}, `entry "n/n/`, bounds.ErrExceeded},
		{"a whiteout of the parent", []entry{file("a/.wh...", "")}, `entry "a/.wh...": a whiteout without a name`, nil},
		{"a device out of range", []entry{typed(tar.TypeBlock, "d", 1<<40, 0).with(gnu)}, `entry "d": device 1099511627776:0 is out of range`, nil},
		{"an unknown type", []entry{typed('Z', "z", 0, 0)}, `entry "z": unknown type 'Z'`, nil},
		{"a root that is not a directory", []entry{symlink("./", "/")}, "can only be a directory", nil},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := openStore(t, t.TempDir(), Options{UserXattr: true})
			l := newLayer(pax(t, c.entries...), gzipped)
			_, err := s.Layers(t.Context(), image(l), nil)
			_, errFlat := s.Flat(t.Context(), image(l), nil)
			for _, err := range []error{err, errFlat} {
				if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), l.digest.String()) || c.is != nil && !errors.Is(err, c.is) {
					t.Errorf("got %v, want %q", err, c.want)
				}
			}
			if left := leftovers(s.dir); len(left) > 0 {
				t.Errorf("left behind %q", left)
			}
		})
	}
}

func TestOwnerOutOfRange(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		return // changes no owner
	}
	for _, id := range []int{-1, 1<<32 - 1, 1 << 40} {
		s := openStore(t, t.TempDir(), Options{})
		// No header says so, but a map may.
		s.opts.Owner = func(int, int) (int, int, bool) { return id, 0, true }
		_, err := s.Layers(t.Context(), image(newLayer(pax(t, file("a", "")), gzipped)), nil)
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("owner %d:0 is out of range", id)) {
			t.Errorf("%d: %v", id, err)
		}
	}
}
