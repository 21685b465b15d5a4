package unpack

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// whiteoutCases are images of several layers, lowest first.
var whiteoutCases = []struct {
	name   string
	layers [][]entry
	want   map[string]string // the merged tree
	// apart: the two forms differ, for the reason given.
	apart string
}{
	{
		name:   "a file",
		layers: [][]entry{{dir("d"), file("d/a", "1"), file("d/b", "2")}, {dir("d"), file("d/.wh.a", "")}},
		want:   map[string]string{"d": "dir 0755", "d/b": "file 0644 2"},
	},
	{
		name:   "a directory",
		layers: [][]entry{{dir("d"), dir("d/e"), file("d/e/a", "1")}, {dir("d"), file("d/.wh.e", "")}},
		want:   map[string]string{"d": "dir 0755"},
	},
	{
		name:   "a directory that the layer makes anew",
		layers: [][]entry{{dir("d"), file("d/a", "1")}, {file(".wh.d", ""), dir("d").with(mode(0o700)), file("d/b", "2")}},
		want:   map[string]string{"d": "dir 0700", "d/b": "file 0644 2"},
	},
	{
		name:   "the same with the whiteout last",
		layers: [][]entry{{dir("d"), file("d/a", "1")}, {dir("d").with(mode(0o700)), file("d/b", "2"), file(".wh.d", "")}},
		want:   map[string]string{"d": "dir 0700", "d/b": "file 0644 2"},
	},
	{
		name:   "a file that the layer makes anew",
		layers: [][]entry{{file("a", "1"), file("b", "1")}, {file(".wh.a", ""), file("a", "2"), file("b", "2"), file(".wh.b", "")}},
		want:   map[string]string{"a": "file 0644 2", "b": "file 0644 2"},
	},
	{
		name:   "an opaque directory",
		layers: [][]entry{{dir("d"), file("d/a", "1"), dir("d/e"), file("d/e/a", "1")}, {dir("d"), file("d/.wh..wh..opq", ""), file("d/b", "2"), dir("d/e"), file("d/e/b", "2")}},
		want:   map[string]string{"d": "dir 0755", "d/b": "file 0644 2", "d/e": "dir 0755", "d/e/b": "file 0644 2"},
	},
	{
		name:   "an opaque directory, marked before and after its content",
		layers: [][]entry{{dir("d"), file("d/a", "1"), dir("e"), file("e/a", "1")}, {file("d/.wh..wh..opq", ""), dir("d"), file("d/b", "2"), file("e/b", "2"), file("e/.wh..wh..opq", ""), dir("e")}},
		want:   map[string]string{"d": "dir 0755", "d/b": "file 0644 2", "e": "dir 0755", "e/b": "file 0644 2"},
	},
	{
		name:   "types that replace others",
		layers: [][]entry{{dir("d"), file("d/a", "1"), file("f", "1"), symlink("s", "d"), dir("t"), file("t/a", "1")}, {file("d", "2"), dir("f"), file("f/a", "2"), dir("s"), file("s/x", "2"), symlink("t", "f")}},
		want:   map[string]string{"d": "file 0644 2", "f": "dir 0755", "f/a": "file 0644 2", "s": "dir 0755", "s/x": "file 0644 2", "t": "symlink f"},
	},
	{
		name:   "a file that a directory replaces without being listed",
		layers: [][]entry{{file("d", "1")}, {file("d/a", "2")}},
		want:   map[string]string{"d": "dir 0755", "d/a": "file 0644 2"},
	},
	{
		name:   "gone and back again",
		layers: [][]entry{{dir("d"), file("d/a", "1"), file("d/b", "1")}, {file(".wh.d", "")}, {dir("d"), file("d/a", "3")}},
		want:   map[string]string{"d": "dir 0755", "d/a": "file 0644 3"},
	},
	{
		name:   "one of two names",
		layers: [][]entry{{file("a", "1"), hardlink("b", "a")}, {file(".wh.a", "")}},
		want:   map[string]string{"b": "file 0644 1"},
	},
	{
		name:   "attributes of a merged directory are those of the highest",
		layers: [][]entry{{dir("d").with(mode(0o700)).with(xattr("user.x", "1")), file("d/a", "1")}, {dir("d").with(mode(0o1777)).with(xattr("user.y", "2")), file("d/b", "2")}},
		want:   map[string]string{"d": `dir 1777 user.y="2"`, "d/a": "file 0644 1", "d/b": "file 0644 2"},
	},
	{
		name:   "nothing there",
		layers: [][]entry{{file("a", "1")}, {file(".wh.b", ""), dir("z"), file("z/.wh..wh..opq", "")}},
		want:   map[string]string{"a": "file 0644 1", "z": "dir 0755"},
	},
	{
		name:   "nothing there in a directory of the layer alone",
		layers: [][]entry{{file("a", "1")}, {dir("x"), file("x/.wh.y", "")}},
		want:   map[string]string{"a": "file 0644 1", "x": "dir 0755"},
		apart:  "overlayfs lists whiteouts where it has nothing to merge",
	},
	{
		name:   "everything",
		layers: [][]entry{{file("a", "1")}, {dir("."), file("b", "2"), file(".wh..wh..opq", "")}, {dir("."), file("c", "3")}},
		want:   map[string]string{"b": "file 0644 2", "c": "file 0644 3"},
	},
	{
		name:   "a layer twice",
		layers: [][]entry{{dir("d"), file("d/a", "1")}, {dir("d"), file("d/.wh.a", ""), file("d/b", "2")}, {dir("d"), file("d/a", "1")}},
		want:   map[string]string{"d": "dir 0755", "d/a": "file 0644 1", "d/b": "file 0644 2"},
	},
	{
		name:   "leftovers of AUFS, and links to nothing",
		layers: [][]entry{{file("a", "1")}, {dir(".wh..wh.plnk"), file(".wh..wh.plnk/12.34", "x"), file(".wh..wh.aufs", ""), file(".whale", "y")}},
		want:   map[string]string{"a": "file 0644 1", ".whale": "file 0644 y"},
	},
	{
		name:   "a directory that is not listed",
		layers: [][]entry{{dir("tmp").with(mode(0o1777)), file("tmp/a", "1")}, {file("tmp/b", "2"), file("tmp/.wh.a", "")}},
		want:   map[string]string{"tmp": "dir 1777", "tmp/b": "file 0644 2"},
		apart:  "overlayfs takes the attributes of the highest layer",
	},
	{
		name:   "through a symbolic link of a lower layer",
		layers: [][]entry{{dir("run"), file("run/a", "1"), file("run/c", "1"), symlink("var", "/run")}, {file("var/b", "2"), file("var/.wh.a", "")}},
		want:   map[string]string{"run": "dir 0755", "run/b": "file 0644 2", "run/c": "file 0644 1", "var": "symlink /run"},
		apart:  "a layer by itself does not have the link",
	},
	{
		name:   "in a directory that is not there",
		layers: [][]entry{{file("a", "1")}, {file("no/such/.wh.dir", ""), file("no/.wh..wh..opq", ""), file("a/.wh.x", "")}},
		want:   map[string]string{"a": "file 0644 1"},
		apart:  "the place of a mark is a directory",
	},
	{
		name:   "a device in its place",
		layers: [][]entry{{file("a", "1")}, {typed(tar.TypeChar, "a", 0, 0)}},
		want:   map[string]string{"a": "file 0644 1"},
	},
}

func imageOf(t testing.TB, layers [][]entry) *fakeImage {
	t.Helper()
	img := image()
	for i, entries := range layers {
		encode := gzipped
		if i%2 == 1 {
			encode = zstandard
		}
		img.layers = append(img.layers, newLayer(pax(t, entries...), encode))
	}
	return img
}

func TestFlat(t *testing.T) {
	t.Parallel()
	for _, c := range whiteoutCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := openStore(t, t.TempDir(), Options{})
			path, err := s.Flat(t.Context(), imageOf(t, c.layers), nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, brief(mustManifest(t, path))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// mounted is an overlay to look at, and the tree that it should equal.
type mounted struct {
	Name   string
	Lowers []string
	Flat   string
	User   bool
}

// TestLayersMounted mounts the layers as overlayfs would be mounted for a build
// and compares the result with the flat tree.
func TestLayersMounted(t *testing.T) {
	t.Parallel()
	for _, userXattr := range []bool{false, true} {
		if !userXattr && os.Geteuid() != 0 {
			continue // an ordinary user has no privileged mounts
		}
		t.Run(fmt.Sprintf("user namespace %t", userXattr), func(t *testing.T) {
			t.Parallel()
			s := openStore(t, t.TempDir(), Options{UserXattr: userXattr, Owner: keepOwner(userXattr)})
			var mounts []mounted
			for _, c := range whiteoutCases {
				if c.apart != "" {
					continue
				}
				img := imageOf(t, c.layers)
				lowers, err := s.Layers(t.Context(), img, nil)
				if err != nil {
					t.Fatal(c.name, err)
				}
				flat, err := s.Flat(t.Context(), img, nil)
				if err != nil {
					t.Fatal(c.name, err)
				}
				mounts = append(mounts, mounted{c.name, lowers, flat, userXattr})
			}
			cmd := roleCommand(t, "mount", mounts)
			cmd.SysProcAttr = ownMounts(userXattr)
			if out := play(t, cmd); out != "" {
				t.Error(out)
			}
		})
	}
}

// keepOwner leaves everything with the creator for a user namespace that has
// no other user.
func keepOwner(user bool) func(uid, gid int) (int, int, bool) {
	if !user {
		return nil
	}
	return func(int, int) (int, int, bool) { return 0, 0, false }
}

// mountRole prints how overlays differ from flat trees.
func mountRole(in *json.Decoder) error {
	var mounts []mounted
	if err := in.Decode(&mounts); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	for _, m := range mounts {
		diff, err := compareMounted(m)
		if err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
		if diff != "" {
			fmt.Printf("%s (-flat +overlay):\n%s\n", m.Name, diff)
		}
	}
	return nil
}

func compareMounted(m mounted) (string, error) {
	work, err := os.MkdirTemp("", "unpack-mount-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	if err := unix.Mount("work", work, "tmpfs", 0, ""); err != nil {
		return "", err
	}
	defer unix.Unmount(work, unix.MNT_DETACH)
	// An empty directory at the bottom, because one layer alone is no overlay.
	lowers := []string{filepath.Join(work, "empty")}
	for _, lower := range m.Lowers {
		lowers = append([]string{lower}, lowers...)
	}
	merged := filepath.Join(work, "merged")
	for _, dir := range []string{lowers[len(lowers)-1], merged} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return "", err
		}
	}
	options := "lowerdir=" + strings.Join(lowers, ":")
	if m.User {
		options += ",userxattr"
	}
	if err := unix.Mount("overlay", merged, "overlay", 0, options); err != nil {
		return "", fmt.Errorf("mount: %w", err)
	}
	defer unix.Unmount(merged, unix.MNT_DETACH)
	want, err := manifest(m.Flat)
	if err != nil {
		return "", err
	}
	got, err := manifest(merged)
	if err != nil {
		return "", err
	}
	return cmp.Diff(want, got), nil
}

func TestNoWhiteouts(t *testing.T) {
	t.Parallel()
	err := markError(unix.EPERM)
	if !errors.Is(err, ErrNoWhiteouts) || !errors.Is(err, unix.EPERM) {
		t.Errorf("a refused mark is %v", err)
	}
	if os.Geteuid() == 0 {
		return // may set every attribute
	}
	s := openStore(t, t.TempDir(), Options{})
	r := newReporter()
	if _, err := s.Layers(t.Context(), image(newLayer(pax(t, file("a", "")), gzipped)), r); !errors.Is(err, ErrNoWhiteouts) {
		t.Errorf("trusted attributes as an ordinary user: %v", err)
	}
	if len(r.infos()) != 0 {
		t.Errorf("announced %q", r.infos())
	}
}
