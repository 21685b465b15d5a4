package layers

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/internal/removal"
	"github.com/pack-cache/pack-cache/internal/test/testtree"
	"github.com/pack-cache/pack-cache/layers/archive"
	"github.com/pack-cache/pack-cache/layers/blob"
)

// packedAs is what a press makes of an archive, and the blob.
func packedAs(t testing.TB, codec blob.Codec, fill func(*blob.Writer) error) (blob.Packed, []byte) {
	t.Helper()
	press, err := blob.NewPress(blob.Compression{Codec: codec})
	must(t, err)
	var out bytes.Buffer
	packed, err := press.Pack(t.Context(), &out, blob.Content{Fill: fill})
	must(t, err)
	return packed, out.Bytes()
}

// packedData is a blob with data.
func packedData(t testing.TB, codec blob.Codec, data []byte) []byte {
	t.Helper()
	_, stored := packedAs(t, codec, func(w *blob.Writer) error { _, err := w.Write(data); return err })
	return stored
}

// archiveOf is the archive of a layer, and its diffID.
func archiveOf(t testing.TB, form archive.Form) ([]byte, string) {
	t.Helper()
	tree, err := archive.List(form)
	must(t, err)
	defer tree.Close()
	packed, raw := packedAs(t, blob.Uncompressed, tree.WriteArchive)
	return raw, packed.DiffID
}

// snapshotOf is a snapshot with one layer: the given blob, which is stored as it
// is.
func snapshotOf(store *fakeStore, data []byte, diffID string) *Snapshot {
	digest := blob.DigestOf(data)
	store.blobs[digest.String()] = data
	return &Snapshot{
		store: store, name: "x", memory: blob.NewMemory(),
		layers: map[string]Layer{diffID: layerOf(diffID, v1.Descriptor{MediaType: types.OCILayer, Digest: digest, Size: int64(len(data))})},
	}
}

// A tree comes back as it was, and makes the same archive again.
func TestRestoreRoundTrip(t *testing.T) {
	t.Parallel()
	for _, codec := range []blob.Codec{blob.Zstd, blob.Gzip, blob.Uncompressed, blob.Estargz} {
		for _, launch := range []bool{false, true} {
			t.Run(fmt.Sprint(codec, launch), func(t *testing.T) {
				t.Parallel()
				layersDir, restored := t.TempDir(), t.TempDir()
				random := rand.New(rand.NewPCG(11, uint64(len(codec))))
				testtree.Random(t, random, filepath.Join(layersDir, "bp/layer"), 80, 3<<20)
				form := archive.Form{LayersDir: layersDir, Prefix: "/layers", Dir: "bp/layer", Normalized: launch, UID: 1, GID: 2}
				tree, err := archive.List(form)
				must(t, err)
				defer tree.Close()
				made, packed := packedAs(t, codec, tree.WriteArchive)
				diffID := made.DiffID

				snapshot := snapshotOf(newFakeStore(), packed, diffID)
				transfer, err := snapshot.Restore(t.Context(), diffID, restored, "bp/layer", RestoreOptions{})
				must(t, err)
				t.Cleanup(func() { must(t, removeAll(restored, "bp")) })
				want := testtree.Describe(t, filepath.Join(layersDir, "bp/layer"), !launch)
				if transfer.Received != int64(len(packed)) || transfer.Files != len(want) || transfer.Size < transfer.Received/2 {
					t.Errorf("transfer %+v of %d bytes, %d entries", transfer, len(packed), len(want))
				}
				got := testtree.Describe(t, filepath.Join(restored, "bp/layer"), !launch)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
				form.LayersDir = restored
				if _, again := archiveOf(t, form); again != made.Archive {
					t.Errorf("the restored tree has diffID %s, want %s", again, made.Archive)
				}
			})
		}
	}
}

func removeAll(dir, name string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return removal.Tree(root, name)
}

// file is an entry of a test archive.
type file struct {
	tar.Header
	content string
}

// tarOf writes files as an archive. Names are written as they are.
func tarOf(t testing.TB, files ...file) []byte {
	t.Helper()
	var raw bytes.Buffer
	w := tar.NewWriter(&raw)
	for _, f := range files {
		if f.Typeflag == tar.TypeXGlobalHeader {
			must(t, w.WriteHeader(&f.Header))
			continue
		}
		f.Size = int64(len(f.content))
		if f.Typeflag == 0 {
			f.Typeflag = tar.TypeReg
		}
		if f.Mode == 0 {
			f.Mode = 0o755
		}
		must(t, w.WriteHeader(&f.Header))
		_, err := io.WriteString(w, f.content)
		must(t, err)
	}
	must(t, w.Close())
	return raw.Bytes()
}

func dirEntry(name string) file {
	return file{Header: tar.Header{Name: name, Typeflag: tar.TypeDir}}
}

func fileEntry(name, content string) file {
	return file{Header: tar.Header{Name: name}, content: content}
}

func linkEntry(kind byte, name, target string) file {
	return file{Header: tar.Header{Name: name, Typeflag: kind, Linkname: target}}
}

var above = []file{dirEntry("/layers"), dirEntry("/layers/bp"), dirEntry("/layers/bp/layer")}

// restoreRaw restores an uncompressed archive as the layer bp:layer into a
// layers directory in which, and beside which, other things are. It checks that
// nothing of them changed and that no stage is left.
func restoreRaw(t testing.TB, raw []byte) (layersDir string, err error) {
	t.Helper()
	outside := t.TempDir()
	layersDir = filepath.Join(outside, "layers")
	for _, name := range []string{"secret", "layers/bp/layer.toml", "layers/bp/layer2/x", "layers/other/y/z"} {
		path := filepath.Join(outside, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte("mine"), 0o644))
	}
	before := testtree.Describe(t, outside, false)
	diffID := blob.DigestOf(raw).String()
	_, err = snapshotOf(newFakeStore(), raw, diffID).Restore(t.Context(), diffID, layersDir, "bp/layer", RestoreOptions{})
	after := testtree.Describe(t, outside, false)
	for path := range after {
		if path == "layers/bp/layer" || strings.HasPrefix(path, "layers/bp/layer/") {
			if err != nil {
				t.Errorf("%s is there although the restore failed", path)
			}
			delete(after, path)
		}
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("outside the layer: %s", diff)
	}
	return layersDir, err
}

func TestRestoreForeignForms(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		files []file
		want  []string
	}{
		"absolute":         {append(above[:3:3], fileEntry("/layers/bp/layer/a", "1")), []string{".", "a"}},
		"relative":         {[]file{dirEntry("layers/"), dirEntry("layers/bp/"), dirEntry("layers/bp/layer/"), fileEntry("layers/bp/layer/a", "1")}, []string{".", "a"}},
		"dotted":           {[]file{dirEntry("./"), dirEntry("./layers"), fileEntry("./layers/bp/layer/a/b", "1")}, []string{".", "a", "a/b"}},
		"other prefix":     {[]file{dirEntry("/a"), dirEntry("/a/b"), dirEntry("/a/b/bp"), fileEntry("/a/b/bp/layer/c", "1")}, []string{".", "c"}},
		"no directories":   {[]file{fileEntry("layers/bp/layer/a/b/c", "1")}, []string{".", "a", "a/b", "a/b/c"}},
		"late directories": {[]file{fileEntry("layers/bp/layer/a/b", "1"), dirEntry("layers/bp/layer/a"), fileEntry("layers/bp/layer/a/c", "1"), dirEntry("/layers/bp")}, []string{".", "a", "a/b", "a/c"}},
		"empty layer":      {above, []string{"."}},
		"global header":    {append([]file{{Header: tar.Header{Typeflag: tar.TypeXGlobalHeader, Name: "pax", PAXRecords: map[string]string{"comment": "x"}}}}, above...), []string{"."}},
		"links anywhere":   {append(above[:3:3], linkEntry(tar.TypeSymlink, "/layers/bp/layer/l", "/etc"), linkEntry(tar.TypeSymlink, "/layers/bp/layer/m", "../../..")), []string{".", "l", "m"}},
		"own name inside":  {append(above[:3:3], dirEntry("/layers/bp/layer/bp"), fileEntry("/layers/bp/layer/bp/layer", "1")), []string{".", "bp", "bp/layer"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			layersDir, err := restoreRaw(t, tarOf(t, test.files...))
			must(t, err)
			var got []string
			must(t, filepath.WalkDir(filepath.Join(layersDir, "bp/layer"), func(path string, _ os.DirEntry, err error) error {
				rel, _ := filepath.Rel(filepath.Join(layersDir, "bp/layer"), path)
				got = append(got, rel)
				return err
			}))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	in := func(files ...file) []file { return append(above[:3:3], files...) }
	for name, files := range map[string][]file{
		"parent":                 in(fileEntry("/layers/bp/layer/../../x", "1")),
		"parent first":           {fileEntry("../layers/bp/layer/x", "1")},
		"elsewhere":              in(fileEntry("/etc/passwd", "1")),
		"elsewhere first":        {fileEntry("/etc/passwd", "1")},
		"directory elsewhere":    in(dirEntry("/layers/bp/other")),
		"directories elsewhere":  {dirEntry("/x"), dirEntry("/x/y"), dirEntry("/layers/bp/layer")},
		"sibling":                in(fileEntry("/layers/bp/layer2/x", "1")),
		"metadata of the layer":  in(fileEntry("/layers/bp/layer.toml", "1")),
		"file above":             {fileEntry("/layers", "1")},
		"link above":             {dirEntry("/layers"), linkEntry(tar.TypeSymlink, "/layers/bp", "/tmp")},
		"layer is a file":        {fileEntry("/layers/bp/layer", "1")},
		"layer is a link":        {dirEntry("/layers"), dirEntry("/layers/bp"), linkEntry(tar.TypeSymlink, "/layers/bp/layer", "/tmp")},
		"layer becomes a link":   in(linkEntry(tar.TypeSymlink, "/layers/bp/layer", "/tmp")),
		"through a link":         in(linkEntry(tar.TypeSymlink, "/layers/bp/layer/l", "/tmp"), fileEntry("/layers/bp/layer/l/x", "1")),
		"through a link up":      in(linkEntry(tar.TypeSymlink, "/layers/bp/layer/l", ".."), fileEntry("/layers/bp/layer/l/x", "1")),
		"directory over a link":  in(linkEntry(tar.TypeSymlink, "/layers/bp/layer/l", ".."), dirEntry("/layers/bp/layer/l")),
		"file over a link":       in(linkEntry(tar.TypeSymlink, "/layers/bp/layer/l", "../layer.toml"), fileEntry("/layers/bp/layer/l", "1")),
		"file over a file":       in(fileEntry("/layers/bp/layer/l", "1"), fileEntry("/layers/bp/layer/l", "2")),
		"link over a file":       in(fileEntry("/layers/bp/layer/l", "1"), linkEntry(tar.TypeSymlink, "/layers/bp/layer/l", "..")),
		"directory over a file":  in(fileEntry("/layers/bp/layer/l", "1"), dirEntry("/layers/bp/layer/l")),
		"below a file":           in(fileEntry("/layers/bp/layer/l", "1"), fileEntry("/layers/bp/layer/l/m", "2")),
		"link over a directory":  in(dirEntry("/layers/bp/layer/l"), linkEntry(tar.TypeSymlink, "/layers/bp/layer/l", "..")),
		"hard link":              in(fileEntry("/layers/bp/layer/l", "1"), linkEntry(tar.TypeLink, "/layers/bp/layer/m", "/layers/bp/layer/l")),
		"hard link out":          in(linkEntry(tar.TypeLink, "/layers/bp/layer/m", "/etc/passwd")),
		"device":                 in(file{Header: tar.Header{Name: "/layers/bp/layer/d", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}}),
		"block device":           in(file{Header: tar.Header{Name: "/layers/bp/layer/d", Typeflag: tar.TypeBlock, Devmajor: 1, Devminor: 3}}),
		"pipe":                   in(file{Header: tar.Header{Name: "/layers/bp/layer/d", Typeflag: tar.TypeFifo}}),
		"name too long":          in(fileEntry("/layers/bp/layer/"+strings.Repeat("x", 300), "1")),
		"link without target":    in(linkEntry(tar.TypeSymlink, "/layers/bp/layer/l", "")),
		"stage of another layer": in(fileEntry("/layers/.pack-cache-x/y", "1")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := restoreRaw(t, tarOf(t, files...))
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("error %v, want ErrCorrupt", err)
			}
		})
	}
}

// What no writer of Go's would write: a sparse file, which would fill the disk
// with a terabyte out of two blocks, and a name with a NUL byte.
func TestRestoreRefusesForged(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		entry    file
		old, new string
	}{
		"sparse": {
			file{content: "0\n" + strings.Repeat("\x00", 510), Header: tar.Header{
				Name: "/layers/bp/layer/x", Format: tar.FormatPAX, PAXRecords: map[string]string{
					"XYZ.sparse.major": "1", "XYZ.sparse.minor": "0",
					"XYZ.sparse.name": "/layers/bp/layer/x", "XYZ.sparse.realsize": "1099511627776",
				},
			}},
			"XYZ.sparse", "GNU.sparse",
		},
		"NUL": {fileEntry("/layers/bp/layer/\u00e9z", "x"), "\u00e9z", "y\x00z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := tarOf(t, append(above[:3:3], test.entry)...)
			raw = bytes.ReplaceAll(raw, []byte(test.old), []byte(test.new))
			if _, err := restoreRaw(t, raw); !errors.Is(err, ErrCorrupt) {
				t.Errorf("error %v, want ErrCorrupt", err)
			}
		})
	}
}

// Bytes that are not those of the digest, the diffID, or any archive.
func TestRestoreOfDamagedBlob(t *testing.T) {
	t.Parallel()
	good := tarOf(t, append(above[:3:3], fileEntry("/layers/bp/layer/a", strings.Repeat("x", 5000)))...)
	for _, codec := range []blob.Codec{blob.Zstd, blob.Gzip, blob.Uncompressed} {
		stored := packedData(t, codec, good)
		flipped := bytes.Clone(stored)
		flipped[len(flipped)/2] ^= 1
		for name, test := range map[string]struct {
			served []byte
			diffID string
		}{
			"flipped":   {flipped, blob.DigestOf(good).String()},
			"truncated": {stored[:len(stored)-20], blob.DigestOf(good).String()},
			"other":     {[]byte("<html>Please log in</html>"), blob.DigestOf(good).String()},
			"diffID":    {stored, blob.DigestOf([]byte("x")).String()},
			"zeros":     {make([]byte, len(stored)), blob.DigestOf(good).String()},
		} {
			t.Run(string(codec)+" "+name, func(t *testing.T) {
				t.Parallel()
				store, layersDir := newFakeStore(), t.TempDir()
				snapshot := snapshotOf(store, stored, test.diffID)
				store.blobs[blob.DigestOf(stored).String()] = test.served
				_, err := snapshot.Restore(t.Context(), test.diffID, layersDir, "bp/layer", RestoreOptions{})
				if !errors.Is(err, ErrCorrupt) {
					t.Errorf("error %v, want ErrCorrupt", err)
				}
				if left := testtree.Describe(t, layersDir, false); len(left) != 1 {
					t.Errorf("left behind: %v", left)
				}
			})
		}
	}
}

// What is in the layer's place already is replaced, not merged, even if its
// directories cannot be written to.
func TestRestoreReplaces(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(t *testing.T, path string){
		"nothing": func(*testing.T, string) {},
		"empty":   func(t *testing.T, path string) { must(t, os.MkdirAll(path, 0o755)) },
		"file":    func(t *testing.T, path string) { write(t, path, "old") },
		"link": func(t *testing.T, path string) {
			must(t, os.MkdirAll(filepath.Dir(path), 0o755))
			must(t, os.Symlink("/tmp", path))
		},
		"read-only": func(t *testing.T, path string) {
			write(t, path+"/d/e", "old")
			must(t, os.Chmod(path+"/d", 0o500))
			must(t, os.Chmod(path, 0o500))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			layersDir := t.TempDir()
			prepare(t, filepath.Join(layersDir, "bp/layer"))
			raw := tarOf(t, append(above[:3:3], fileEntry("/layers/bp/layer/a", "new"))...)
			diffID := blob.DigestOf(raw).String()
			_, err := snapshotOf(newFakeStore(), raw, diffID).Restore(t.Context(), diffID, layersDir, "bp/layer", RestoreOptions{})
			must(t, err)
			got := testtree.Describe(t, filepath.Join(layersDir, "bp/layer"), false)
			if len(got) != 2 || got["a"] == "" {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestRestoreWhere(t *testing.T) {
	t.Parallel()
	raw := tarOf(t, above...)
	diffID := blob.DigestOf(raw).String()
	snapshot := snapshotOf(newFakeStore(), raw, diffID)
	for _, dir := range []string{"", ".", "..", "../x", "/x", "a/../b", "a//b", "a/"} {
		if _, err := snapshot.Restore(t.Context(), diffID, t.TempDir(), dir, RestoreOptions{}); err == nil {
			t.Errorf("restored into %q", dir)
		}
	}
	if _, err := snapshot.Restore(t.Context(), diffID, filepath.Join(t.TempDir(), "none"), "bp/layer", RestoreOptions{}); err == nil {
		t.Error("restored into no layers directory")
	}
	if _, err := snapshot.Restore(t.Context(), blob.DigestOf(nil).String(), t.TempDir(), "bp/layer", RestoreOptions{}); !errors.Is(err, ErrNotFound) {
		t.Errorf("error %v, want ErrNotFound", err)
	}
	// A link in the way of the layer's directory does not lead out.
	layersDir, outside := t.TempDir(), t.TempDir()
	must(t, os.Symlink(outside, filepath.Join(layersDir, "bp")))
	if _, err := snapshot.Restore(t.Context(), diffID, layersDir, "bp/layer", RestoreOptions{}); err == nil {
		t.Error("restored through a link")
	}
	if left := testtree.Describe(t, outside, false); len(left) != 1 {
		t.Errorf("left outside: %v", left)
	}
}

// A restore that is cancelled leaves nothing, whenever that happens.
func TestRestoreCancelled(t *testing.T) {
	t.Parallel()
	var files []file
	for i := range 50 {
		files = append(files, fileEntry(fmt.Sprint("/layers/bp/layer/", i), strings.Repeat("x", 1<<16)))
	}
	raw := tarOf(t, append(above[:3:3], files...)...)
	diffID := blob.DigestOf(raw).String()
	for after := 0; after < len(raw); after += len(raw) / 7 {
		ctx, cancel := context.WithCancel(t.Context())
		store, layersDir := newFakeStore(), t.TempDir()
		snapshot := snapshotOf(store, raw, diffID)
		store.onOpen = func(v1.Descriptor, int64, int64) (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(bytes.NewReader(raw[:after]), readerFunc(func([]byte) (int, error) {
				cancel()
				return 0, ctx.Err()
			}))), nil
		}
		if _, err := snapshot.Restore(ctx, diffID, layersDir, "bp/layer", RestoreOptions{}); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want context.Canceled", err)
		}
		if left := testtree.Describe(t, layersDir, false); len(left) != 1 {
			t.Errorf("left behind: %v", left)
		}
	}
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// An archive of the lifecycle has no times that mean anything. What comes out of
// it must not look newer than a source that has changed since.
func TestRestoreOfNormalizedTimes(t *testing.T) {
	t.Parallel()
	layersDir := t.TempDir()
	for _, name := range []string{"a", "m/n", "z"} {
		write(t, filepath.Join(layersDir, "bp/layer", name), "x")
	}
	raw, diffID := archiveOf(t, archive.Form{LayersDir: layersDir, Prefix: "/layers", Dir: "bp/layer", Normalized: true})
	restored := t.TempDir()
	_, err := snapshotOf(newFakeStore(), raw, diffID).Restore(t.Context(), diffID, restored, "bp/layer", RestoreOptions{})
	must(t, err)
	for _, name := range []string{"", "a", "m", "m/n", "z"} {
		info, err := os.Stat(filepath.Join(restored, "bp/layer", name))
		must(t, err)
		if !info.ModTime().Equal(archive.NormalizedTime) {
			t.Errorf("%q was modified %s", name, info.ModTime())
		}
	}
}

// The directories above a new layer get the modes that they had.
func TestRestoreParents(t *testing.T) {
	t.Parallel()
	layersDir := t.TempDir()
	files := []file{dirEntry("/layers"), {Header: tar.Header{Name: "/layers/bp", Typeflag: tar.TypeDir, Mode: 0o775}}, dirEntry("/layers/bp/layer")}
	raw := tarOf(t, files...)
	diffID := blob.DigestOf(raw).String()
	_, err := snapshotOf(newFakeStore(), raw, diffID).Restore(t.Context(), diffID, layersDir, "bp/layer", RestoreOptions{})
	must(t, err)
	var st unix.Stat_t
	must(t, unix.Stat(filepath.Join(layersDir, "bp"), &st))
	if got := st.Mode & 0o7777; got != 0o775 {
		t.Errorf("mode %o", got)
	}
}

// Whatever bytes a store returns: nothing outside the layer's directory changes,
// and nothing is left of a layer that failed.
func FuzzRestore(f *testing.F) {
	in := func(files ...file) []byte { return tarOf(f, append(above[:3:3], files...)...) }
	f.Add(in(dirEntry("/layers/bp/layer/d"), fileEntry("/layers/bp/layer/d/f", "x")))
	f.Add(in(linkEntry(tar.TypeSymlink, "/layers/bp/layer/l", "../.."), fileEntry("/layers/bp/layer/l/secret", "x")))
	f.Add(in(linkEntry(tar.TypeLink, "/layers/bp/layer/l", "/secret"), fileEntry("/layers/bp/layer/../x", "x")))
	f.Add(tarOf(f, fileEntry("layers/bp/layer/a/\u00e9", "x"), dirEntry("layers/bp/layer/a")))
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0})
	f.Add([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) == 0 {
			return
		}
		if layersDir, err := restoreRaw(t, raw); err == nil {
			must(t, removeAll(layersDir, "bp/layer"))
		}
	})
}

// TestRestoreModes restores modes by which the build user could not go on.
func TestRestoreModes(t *testing.T) {
	t.Parallel()
	with := func(f file, mode int64) file {
		f.Mode = mode
		return f
	}
	const none = 0o10000 // no permission at all
	layersDir, err := restoreRaw(t, tarOf(t,
		with(dirEntry("/layers/bp/layer"), 0o444),
		with(dirEntry("/layers/bp/layer/none"), none), with(fileEntry("/layers/bp/layer/none/none", "x"), none),
		with(dirEntry("/layers/bp/layer/listed"), 0o644), with(fileEntry("/layers/bp/layer/listed/written", "x"), 0o222),
		with(dirEntry("/layers/bp/layer/kept"), 0o555), with(fileEntry("/layers/bp/layer/kept/kept", "x"), 0o444)))
	must(t, err)
	for path, want := range map[string]os.FileMode{
		"bp/layer": 0o744, "bp/layer/none": 0o700, "bp/layer/none/none": 0o600,
		"bp/layer/listed": 0o744, "bp/layer/listed/written": 0o622, "bp/layer/kept": 0o555, "bp/layer/kept/kept": 0o444,
	} {
		info, err := os.Lstat(filepath.Join(layersDir, path))
		must(t, err)
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
	}
}
