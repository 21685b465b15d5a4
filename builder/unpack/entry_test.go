package unpack

import (
	"archive/tar"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// entryCases are single layers; both forms unpack them alike.
var entryCases = []struct {
	name    string
	entries []entry
	want    map[string]string
	asUser  map[string]string // instead of want when not root
}{
	{
		name:    "files and directories",
		entries: []entry{dir("a/"), file("a/b", "hello"), file("./c", ""), dir("./d")},
		want:    map[string]string{"a": "dir 0755", "a/b": "file 0644 hello", "c": "file 0644 ", "d": "dir 0755"},
	},
	{
		name:    "missing parents",
		entries: []entry{file("a/b/c", "x")},
		want:    map[string]string{"a": "dir 0755", "a/b": "dir 0755", "a/b/c": "file 0644 x"},
	},
	{
		name:    "a directory after its content",
		entries: []entry{file("a/b", "x"), dir("a").with(mode(0o700))},
		want:    map[string]string{"a": "dir 0700", "a/b": "file 0644 x"},
	},
	{
		name:    "directories that lock out their owner",
		entries: []entry{dir("a").with(mode(0)), dir("a/b").with(mode(0o555)), file("a/b/c", "x").with(mode(0))},
		want:    map[string]string{"a": "dir 0000", "a/b": "dir 0555", "a/b/c": "file 0000 x"},
		asUser:  map[string]string{"a": "dir 0000"}, // no way to look into it
	},
	{
		name: "setuid, setgid, sticky",
		entries: []entry{
			file("su", "x").with(mode(0o4755)), file("sg", "x").with(mode(0o2755)),
			dir("sg.d").with(mode(0o2775)), file("sg.d/f", "x"), dir("tmp").with(mode(0o1777)),
		},
		want: map[string]string{
			"su": "file 4755 x", "sg": "file 2755 x",
			"sg.d": "dir 2775", "sg.d/f": "file 0644 x", "tmp": "dir 1777",
		},
	},
	{
		name:    "links",
		entries: []entry{file("a/f", "x"), symlink("s", "a/f"), symlink("abs", "/nowhere"), hardlink("b/h", "a/f"), hardlink("hs", "s")},
		want: map[string]string{
			"a": "dir 0755", "a/f": "file 0644 x", "b": "dir 0755", "b/h": "file 0644 x = a/f",
			"abs": "symlink /nowhere", "hs": "symlink a/f", "s": "symlink a/f = hs",
		},
	},
	{
		name:    "hard links before their target",
		entries: []entry{hardlink("c", "b"), hardlink("b", "a"), file("a", "x")},
		want:    map[string]string{"a": "file 0644 x", "b": "file 0644 x = a", "c": "file 0644 x = a"},
	},
	{
		name:    "an early hard link whose name is taken later",
		entries: []entry{hardlink("b", "a"), file("b", "own"), file("a", "x")},
		want:    map[string]string{"a": "file 0644 x", "b": "file 0644 own"},
	},
	{
		name:    "a hard link to itself",
		entries: []entry{file("a", "x"), hardlink("a", "./a")},
		want:    map[string]string{"a": "file 0644 x"},
	},
	{
		name:    "a later file leaves the other names of an earlier one alone",
		entries: []entry{file("a", "old"), hardlink("b", "a"), file("a", "new")},
		want:    map[string]string{"a": "file 0644 new", "b": "file 0644 old"},
	},
	{
		name:    "duplicates",
		entries: []entry{file("a", "1"), file("a", "2").with(mode(0o600)), dir("d"), dir("d").with(mode(0o711)), symlink("s", "1"), symlink("s", "2")},
		want:    map[string]string{"a": "file 0600 2", "d": "dir 0711", "s": "symlink 2"},
	},
	{
		name: "entries of another type",
		entries: []entry{
			file("f2d", "x"), dir("f2d"), file("f2d/x", "x"),
			dir("d2f").with(mode(0o700)), file("d2f/deep/x", "x"), file("d2f", "y"),
			dir("d2s"), file("d2s/x", "x"), symlink("d2s", "f2d"),
			symlink("s2d", "f2d"), dir("s2d"), file("s2d/y", "y"),
			dir("d2d").with(mode(0o700)), file("d2d", "x"), file("d2d/implicit", "x"),
		},
		want: map[string]string{
			"f2d": "dir 0755", "f2d/x": "file 0644 x", "d2f": "file 0644 y", "d2s": "symlink f2d",
			"s2d": "dir 0755", "s2d/y": "file 0644 y", "d2d": "dir 0755", "d2d/implicit": "file 0644 x",
		},
	},
	{
		name:    "through symbolic links of the layer",
		entries: []entry{symlink("var/run", "/run"), file("var/run/pid", "1"), symlink("up", "../../../var"), file("up/log", "l"), symlink("run/self", "."), file("run/self/self/x", "x"), hardlink("h", "var/run/pid")},
		want: map[string]string{
			"var": "dir 0755", "var/run": "symlink /run", "run": "dir 0755", "run/pid": "file 0644 1 = h", "h": "file 0644 1",
			"up": "symlink ../../../var", "var/log": "file 0644 l", "run/self": "symlink .", "run/x": "file 0644 x",
		},
	},
	{
		name:    "a symbolic link on the way is replaced",
		entries: []entry{symlink("x/y", "."), file("x/y/a", "1"), dir("x/y/y"), file("x/y/b", "2")},
		want:    map[string]string{"x": "dir 0755", "x/a": "file 0644 1", "x/y": "dir 0755", "x/y/b": "file 0644 2"},
	},
	{
		name:    "long names",
		entries: []entry{file(strings.Repeat(strings.Repeat("n", 200)+"/", 5)+"ü", "x")},
		want: map[string]string{
			long(1): "dir 0755", long(2): "dir 0755", long(3): "dir 0755", long(4): "dir 0755", long(5): "dir 0755",
			long(5) + "/ü": "file 0644 x",
		},
	},
	{
		name:    "FIFOs and devices",
		entries: []entry{typed(tar.TypeFifo, "fifo", 0, 0), typed(tar.TypeChar, "null", 1, 3), typed(tar.TypeBlock, "disk", 8, 257), typed(tar.TypeChar, "fake-whiteout", 0, 0)},
		want:    map[string]string{"fifo": "fifo 0640", "null": "char 0640 1:3", "disk": "block 0640 8:257"},
		asUser:  map[string]string{"fifo": "fifo 0640"},
	},
	{
		name: "extended attributes",
		entries: []entry{
			file("f", "x").with(xattr("user.note", "hi")).with(xattr("user.overlay.opaque", "y")).with(xattr("trusted.overlay.redirect", "/etc")).with(xattr("security.selinux", "label")),
			dir("d").with(xattr("user.overlay.opaque", "y")).with(xattr("trusted.overlay.opaque", "y")).with(xattr("user.dir", "d")),
			file("cap", "x").with(mode(0o755)).with(owner(7, 7)).with(xattr("security.capability", netRaw)),
			file("trusted", "").with(xattr("trusted.t", "t")),
			symlink("s", "f").with(xattr("trusted.t", "t")),
			symlink("us", "f").with(xattr("user.not-on-links", "t")),
		},
		want: map[string]string{
			"f": `file 0644 x user.note="hi"`, "d": `dir 0755 user.dir="d"`, "us": "symlink f",
			"cap": fmt.Sprintf("file 0755 x security.capability=%q", netRaw), "trusted": `file 0644  trusted.t="t"`, "s": `symlink f trusted.t="t"`,
		},
		asUser: map[string]string{
			"f": `file 0644 x user.note="hi"`, "d": `dir 0755 user.dir="d"`, "us": "symlink f",
			"cap": "file 0755 x", "trusted": "file 0644 ", "s": "symlink f",
		},
	},
	{
		name:    "global headers and the root",
		entries: []entry{{tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "x"}}, ""}, dir("./").with(mode(0o711)), file("a", "x")},
		want:    map[string]string{"a": "file 0644 x"},
	},
	{name: "nothing", want: map[string]string{}},
}

// netRaw is a version 2 capability with CAP_NET_RAW.
const netRaw = "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

func long(n int) string {
	return strings.TrimSuffix(strings.Repeat(strings.Repeat("n", 200)+"/", n), "/")
}

func TestEntries(t *testing.T) {
	t.Parallel()
	for _, c := range entryCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			want := c.want
			if c.asUser != nil && os.Geteuid() != 0 {
				want = c.asUser
			}
			for form, path := range bothForms(t, newLayer(pax(t, c.entries...), gzipped)) {
				if os.Geteuid() != 0 && c.want["a"] == "dir 0000" {
					checkLocked(t, path)
					continue
				}
				if diff := cmp.Diff(want, brief(mustManifest(t, path))); diff != "" {
					t.Errorf("%s (-want +got):\n%s", form, diff)
				}
			}
		})
	}
}

// bothForms unpacks one layer with and without marks.
func bothForms(t *testing.T, l *fakeLayer) map[string]string {
	t.Helper()
	s := openStore(t, t.TempDir(), Options{UserXattr: os.Geteuid() != 0})
	// The testing package cannot remove directories without permissions.
	t.Cleanup(func() { removeAll(s.dir) })
	paths, err := s.Layers(t.Context(), image(l), nil)
	if err != nil {
		t.Fatal("Layers:", err)
	}
	flat, err := s.Flat(t.Context(), image(l), nil)
	if err != nil {
		t.Fatal("Flat:", err)
	}
	return map[string]string{"layers": paths[0], "flat": flat}
}

// checkLocked looks into a directory that has to be opened up for that.
func checkLocked(t *testing.T, root string) {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Lstat(root+"/a", &st); err != nil || st.Mode&0o7777 != 0 {
		t.Errorf("a has mode %o, %v", st.Mode&0o7777, err)
	}
	for _, path := range []string{"/a", "/a/b/c"} {
		if err := os.Chmod(root+path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := os.ReadFile(root + "/a/b/c"); string(b) != "x" {
		t.Errorf("a/b/c holds %q, %v", b, err)
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	at := func(year int) func(*tar.Header) {
		return func(h *tar.Header) { h.ModTime = time.Date(year, 1, 2, 3, 4, 5, 678, time.UTC) }
	}
	l := newLayer(pax(t, dir(".").with(at(2001)), dir("d").with(at(2002)), file("d/f", "x").with(at(2003)), file("d/implicit/f", "x").with(at(1955)),
		symlink("d/s", "f").with(at(2004)), typed(tar.TypeFifo, "d/p", 0, 0).with(at(2005)), hardlink("h", "d/f").with(at(2006))), gzipped)
	want := map[string]int{".": 2001, "d": 2002, "d/f": 2003, "d/implicit": 1970, "d/implicit/f": 1955, "d/s": 2004, "d/p": 2005, "h": 2003}
	for form, path := range bothForms(t, l) {
		got := map[string]int{}
		for name, n := range mustManifest(t, path) {
			got[name] = n.MTime.Year()
			if want[name] != 1970 && n.MTime.Nanosecond() != 678 {
				t.Errorf("%s: %s has %d ns, want 678", form, name, n.MTime.Nanosecond())
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", form, diff)
		}
	}
}

func TestTimesInFlatTree(t *testing.T) {
	t.Parallel()
	at := func(year int) func(*tar.Header) {
		return func(h *tar.Header) { h.ModTime = time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC) }
	}
	s := openStore(t, t.TempDir(), Options{})
	path, err := s.Flat(t.Context(), image(
		newLayer(pax(t, dir("kept").with(at(2001)), dir("newer").with(at(2002)), file("newer/f", "")), gzipped),
		newLayer(pax(t, file("kept/f", ""), dir("newer").with(at(2003)), file("newer/.wh.f", "")), gzipped),
	), nil)
	if err != nil {
		t.Fatal(err)
	}
	nodes := mustManifest(t, path)
	got := []int{nodes["kept"].MTime.Year(), nodes["newer"].MTime.Year()}
	if diff := cmp.Diff([]int{2001, 2003}, got); diff != "" {
		t.Errorf("years (-want +got):\n%s", diff)
	}
}

func TestEncodings(t *testing.T) {
	t.Parallel()
	content := pax(t, file("a", strings.Repeat("some content\n", 1e5)))
	twoMembers := func(b []byte) []byte { return append(gzipped(b[:777]), gzipped(b[777:])...) }
	garbage := func(b []byte) []byte { return append(gzipped(b), "something else"...) }
	for name, encode := range map[string]func([]byte) []byte{
		"gzip": gzipped, "zstd": zstandard, "plain": plain, "gzip in members": twoMembers, "gzip and garbage": garbage,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for form, path := range bothForms(t, newLayer(content, encode)) {
				if n := len(mustManifest(t, path)["a"].Content); n != 13e5 {
					t.Errorf("%s: a has %d bytes", form, n)
				}
			}
		})
	}
}

func TestTrailingArchiveData(t *testing.T) {
	t.Parallel()
	content := append(pax(t, file("a", "x")), strings.Repeat("behind the end of the archive", 1e5)...)
	for form, path := range bothForms(t, newLayer(content, gzipped)) {
		if diff := cmp.Diff(map[string]string{"a": "file 0644 x"}, brief(mustManifest(t, path))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", form, diff)
		}
	}
}
