package unpack

import (
	"archive/tar"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// gnuTar runs the system's tar, an implementation that shares nothing with this
// package.
func gnuTar(t *testing.T, stdin []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "tar", args...)
	cmd.Stdin = bytes.NewReader(stdin)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tar %s: %v: %s", strings.Join(args, " "), err, stderr.String())
	}
	return out
}

// allKinds are entries on which tar and this package ought to agree.
func allKinds() []entry {
	entries := []entry{
		dir("./").with(mode(0o755)),
		dir("usr/").with(mode(0o2755)).with(owner(0, 50)),
		dir("usr/bin/"), file("usr/bin/sudo", "#!setuid").with(mode(0o4711)).with(owner(0, 27)),
		file("usr/bin/sg", "x").with(mode(0o2755)).with(owner(12, 34)),
		hardlink("usr/bin/su", "usr/bin/sudo"), symlink("bin", "usr/bin"), symlink("dangling", "/no/such/thing").with(owner(3, 4)),
		hardlink("bin-again", "bin"),
		dir("tmp/").with(mode(0o1777)), dir("locked/").with(mode(0o555)), file("locked/f", "in").with(mode(0o400)),
		file("dup", "first"), file("dup", "second").with(mode(0o600)), file("empty", ""),
		file("big", strings.Repeat("not sparse\x00\x00\x00", 1e5)),
		typed(tar.TypeFifo, "fifo", 0, 0).with(owner(7, 8)),
		file("attributes", "x").with(xattr("user.one", "1")).with(xattr("user.two", "zw\x00ei")),
		file(strings.Repeat("long/", 60)+"name", "x"), file(strings.Repeat("ü", 120), "x"),
		symlink("long-target", strings.Repeat("t/", 150)),
		file("old", "x").with(func(h *tar.Header) { h.ModTime = time.Unix(-86400, 5000) }),
		file("late-parent/f", "x"), dir("late-parent/").with(mode(0o700)),
	}
	if os.Geteuid() == 0 {
		entries = append(entries,
			typed(tar.TypeChar, "null", 1, 3), typed(tar.TypeBlock, "disk", 259, 1<<12),
			file("ping", "x").with(mode(0o755)).with(owner(9, 9)).with(xattr("security.capability", netRaw)))
	}
	return entries
}

func TestLikeTarExtract(t *testing.T) {
	t.Parallel()
	content := pax(t, allKinds()...)
	want := t.TempDir()
	args := []string{"-x", "-p", "-f", "-", "-C", want, "--numeric-owner", "--xattrs", "--xattrs-include=*"}
	if os.Geteuid() != 0 {
		args = append(args, "--no-same-owner")
	}
	gnuTar(t, content, args...)
	t.Cleanup(func() { removeAll(want) })
	for form, path := range bothForms(t, newLayer(content, gzipped)) {
		if diff := cmp.Diff(timeless(mustManifest(t, want)), timeless(mustManifest(t, path))); diff != "" {
			t.Errorf("%s (-tar +unpack):\n%s", form, diff)
		}
	}
}

// timeless drops what tar leaves to chance: the times of directories that are
// not listed.
func timeless(nodes map[string]node) map[string]node {
	for path, n := range nodes {
		if n.Kind == "dir" && strings.HasPrefix(path, "long") {
			n.MTime = time.Time{}
			nodes[path] = n
		}
	}
	return nodes
}

// TestLikeTarCreate unpacks what tar makes of a tree, in all of its formats.
func TestLikeTarCreate(t *testing.T) {
	t.Parallel()
	// A tree of tar's making, with a file that really is sparse.
	source := t.TempDir()
	t.Cleanup(func() { removeAll(source) })
	gnuTar(t, pax(t, allKinds()...), "-x", "-p", "-f", "-", "-C", source, "--xattrs", "--xattrs-include=*", "--delay-directory-restore")
	makeSparse(t, filepath.Join(source, "sparse"), 3<<20, 1<<20, 1<<20+5000, 2<<20)
	makeSparse(t, filepath.Join(source, "hole"), 1<<20)
	makeSparse(t, filepath.Join(source, "odd"), 1<<20+123, 1<<20+100)
	for name, args := range map[string][]string{
		"pax":        {"--format=pax", "--xattrs", "--xattrs-include=*"},
		"gnu":        {"--format=gnu"},
		"pax sparse": {"--format=pax", "--sparse", "--xattrs", "--xattrs-include=*"},
		"pax 0.0":    {"--format=pax", "--sparse", "--sparse-version=0.0"},
		"pax 0.1":    {"--format=pax", "--sparse", "--sparse-version=0.1"},
		"gnu sparse": {"--format=gnu", "--sparse"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content := gnuTar(t, nil, append(args, "-c", "-f", "-", "-C", source, "--numeric-owner", ".")...)
			want := expressible(mustManifest(t, source), name)
			for form, path := range bothForms(t, newLayer(content, zstandard)) {
				if diff := cmp.Diff(want, expressible(mustManifest(t, path), name)); diff != "" {
					t.Errorf("%s (-source +unpacked):\n%s", form, diff)
				}
				if strings.Contains(name, "sparse") {
					checkHoles(t, path)
				}
			}
		})
	}
}

// expressible drops what a format cannot express.
func expressible(nodes map[string]node, format string) map[string]node {
	for path, n := range nodes {
		if format != "pax" && format != "pax sparse" {
			n.Xattrs = nil
		}
		if strings.HasPrefix(format, "gnu") {
			n.MTime = time.Unix(n.MTime.Unix(), 0).UTC()
		}
		nodes[path] = n
	}
	return nodes
}

// makeSparse writes a few bytes at each of the places and leaves holes between.
func makeSparse(t *testing.T, path string, size int64, places ...int64) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, place := range places {
		if _, err := f.WriteAt([]byte("data"), place); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
}

func checkHoles(t *testing.T, root string) {
	t.Helper()
	for name, most := range map[string]int64{"sparse": 64 << 10, "hole": 0} {
		var st unix.Stat_t
		if err := unix.Lstat(filepath.Join(root, name), &st); err != nil {
			t.Fatal(err)
		}
		if st.Blocks*512 > most {
			t.Errorf("%s takes %d bytes on disk", name, st.Blocks*512)
		}
	}
}
