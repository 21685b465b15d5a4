package layers

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	lifecyclelayers "github.com/buildpacks/lifecycle/layers"
	"github.com/buildpacks/lifecycle/log"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"
)

// quiet is a logger for the lifecycle.
type quiet struct{ log.Logger }

func (quiet) Debugf(string, ...any) {}

// archiveOf archives the directory as Save would and returns the raw archive
// and its diffID.
func archiveOf(t testing.TB, form archiveForm, layersDir string) ([]byte, string) {
	t.Helper()
	entries, root, err := listTree(filepath.Join(layersDir, form.dir))
	must(t, err)
	defer root.Close()
	press, err := newPress(Compression{Codec: Uncompressed})
	must(t, err)
	var raw bytes.Buffer
	a := &treeArchive{form: form, layersDir: layersDir, entries: entries, root: root}
	diffID, err := press.run(t.Context(), &raw, a.writeTo)
	must(t, err)
	return raw.Bytes(), diffID
}

// Launch layers must have the very bytes that the lifecycle gives the app layer.
func TestArchiveIsTheLifecycles(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 1))
			layersDir := t.TempDir()
			randomTree(t, random, filepath.Join(layersDir, "bp", "layer"), 60, 3<<20)
			must(t, unix.Chmod(filepath.Join(layersDir, "bp"), 0o2771))
			if seed == 0 { // a socket, which the lifecycle leaves out
				must(t, os.Chmod(filepath.Join(layersDir, "bp", "layer"), 0o755))
				listener, err := net.Listen("unix", filepath.Join(layersDir, "bp", "layer", "s"))
				must(t, err)
				defer listener.Close()
			}
			factory := &lifecyclelayers.Factory{ArtifactsDir: t.TempDir(), UID: 1234, GID: 4321, Logger: quiet{}}
			want, err := factory.DirLayer("bp:layer", filepath.Join(layersDir, "bp", "layer"), "")
			must(t, err)
			form := archiveForm{prefix: layersDir, dir: "bp/layer", normalized: true, uid: 1234, gid: 4321}
			got, diffID := archiveOf(t, form, layersDir)
			if diffID != want.Digest {
				wanted, err := os.ReadFile(want.TarPath)
				must(t, err)
				t.Errorf("diffID %s, want %s; first difference at byte %d", diffID, want.Digest, firstDifference(got, wanted))
			}
		})
	}
}

func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// The build's layers directory is /layers, wherever the test's is.
func TestArchivePrefix(t *testing.T) {
	t.Parallel()
	layersDir := t.TempDir()
	write(t, filepath.Join(layersDir, "bp/layer/a/b"), "x")
	for _, test := range []struct {
		prefix     string
		normalized bool
		want       []string
	}{
		{"/layers", true, []string{"/layers", "/layers/bp", "/layers/bp/layer", "/layers/bp/layer/a", "/layers/bp/layer/a/b"}},
		{"/layers", false, []string{"/layers", "/layers/bp", "/layers/bp/layer", "/layers/bp/layer/a", "/layers/bp/layer/a/b"}},
		{"/deep/down", true, []string{"/deep", "/deep/down", "/deep/down/bp", "/deep/down/bp/layer", "/deep/down/bp/layer/a", "/deep/down/bp/layer/a/b"}},
	} {
		raw, _ := archiveOf(t, archiveForm{prefix: test.prefix, dir: "bp/layer", normalized: test.normalized}, layersDir)
		var got []string
		for _, h := range readHeaders(t, raw) {
			got = append(got, h.Name)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%+v: %s", test, diff)
		}
	}
}

// An archive of a layer that keeps its times depends on nothing but the layer.
func TestArchiveOfEqualTreesIsEqual(t *testing.T) {
	t.Parallel()
	var diffIDs []string
	for range 2 {
		layersDir := t.TempDir()
		randomTree(t, rand.New(rand.NewPCG(7, 7)), filepath.Join(layersDir, "bp/layer"), 50, 3<<20)
		must(t, os.Chmod(layersDir, 0o755-os.FileMode(len(diffIDs))))
		_, diffID := archiveOf(t, archiveForm{prefix: "/layers", dir: "bp/layer"}, layersDir)
		diffIDs = append(diffIDs, diffID)
	}
	if diffIDs[0] != diffIDs[1] {
		t.Error("equal trees have different archives")
	}
}

func TestArchiveRefuses(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(path string) error{
		"pipe":   func(path string) error { return unix.Mkfifo(path, 0o600) },
		"device": func(path string) error { return unix.Mknod(path, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			layersDir := t.TempDir()
			write(t, filepath.Join(layersDir, "bp/layer/a"), "x")
			if err := make(filepath.Join(layersDir, "bp/layer/odd")); errors.Is(err, unix.EPERM) {
				return // only root makes devices
			} else if err != nil {
				t.Fatal(err)
			}
			entries, root, err := listTree(filepath.Join(layersDir, "bp/layer"))
			must(t, err)
			defer root.Close()
			press, err := newPress(Compression{})
			must(t, err)
			a := &treeArchive{form: archiveForm{prefix: "/layers", dir: "bp/layer"}, layersDir: layersDir, entries: entries, root: root}
			_, err = press.run(t.Context(), io.Discard, a.writeTo)
			if err == nil || !strings.Contains(err.Error(), `"odd"`) {
				t.Errorf("error %v does not name the entry", err)
			}
			var source *sourceError
			if !errors.As(err, &source) {
				t.Errorf("error %T is not the source's", err)
			}
		})
	}
}

// A file that changes while it is read is the layer's fault, not a torn archive.
func TestArchiveOfChangingFile(t *testing.T) {
	t.Parallel()
	layersDir := t.TempDir()
	path := filepath.Join(layersDir, "bp/layer/a")
	write(t, path, "before")
	entries, root, err := listTree(filepath.Join(layersDir, "bp/layer"))
	must(t, err)
	defer root.Close()
	press, err := newPress(Compression{})
	must(t, err)
	a := &treeArchive{form: archiveForm{prefix: "/layers", dir: "bp/layer"}, layersDir: layersDir, entries: entries, root: root}
	for name, change := range map[string]func() error{
		"longer":  func() error { return os.WriteFile(path, []byte("much longer than before"), 0o644) },
		"symlink": func() error { return errors.Join(os.Remove(path), os.Symlink("/etc/passwd", path)) },
		"gone":    func() error { return os.Remove(path) },
	} {
		must(t, change())
		if _, err := press.run(t.Context(), io.Discard, a.writeTo); err == nil {
			t.Errorf("%s: no error", name)
		}
		os.Remove(path)
		write(t, path, "before")
	}
}

// Independent frames are one stream to any reader.
func TestFramesAreOneStream(t *testing.T) {
	t.Parallel()
	layersDir := t.TempDir()
	randomTree(t, rand.New(rand.NewPCG(3, 9)), filepath.Join(layersDir, "bp/layer"), 40, 3<<20)
	entries, root, err := listTree(filepath.Join(layersDir, "bp/layer"))
	must(t, err)
	defer root.Close()
	a := &treeArchive{form: archiveForm{prefix: "/layers", dir: "bp/layer"}, layersDir: layersDir, entries: entries, root: root}
	for _, codec := range []Codec{Zstd, Gzip, Uncompressed} {
		for _, level := range levelsOf(codec) {
			name := string(codec)
			if level != nil {
				name += fmt.Sprint(*level)
			}
			t.Run(name, func(t *testing.T) {
				press, err := newPress(Compression{Codec: codec, Level: level})
				must(t, err)
				var packed bytes.Buffer
				diffID, err := press.run(t.Context(), &packed, a.writeTo)
				must(t, err)
				if got := digestOf(decodeElsewhere(t, codec, packed.Bytes())).String(); got != diffID {
					t.Errorf("another library reads %s, want %s", got, diffID)
				}
				reader, err := newDecoder(bytes.NewReader(packed.Bytes()), nil)
				must(t, err)
				raw, err := io.ReadAll(reader)
				must(t, err)
				if got := digestOf(raw).String(); got != diffID {
					t.Errorf("we read %s, want %s", got, diffID)
				}
			})
		}
	}
}

func levelsOf(codec Codec) []*int {
	levels := []*int{nil}
	for _, n := range map[Codec][]int{Zstd: {0, 1, 3, 7, 22}, Gzip: {0, 1, 6, 9}}[codec] {
		levels = append(levels, &n)
	}
	return levels
}

// decodeElsewhere decodes as the stock lifecycle's library and the standard
// library do.
func decodeElsewhere(t *testing.T, codec Codec, packed []byte) []byte {
	t.Helper()
	var reader io.Reader = bytes.NewReader(packed)
	var err error
	switch codec {
	case Zstd:
		reader, err = zstd.NewReader(reader)
	case Gzip:
		reader, err = gzip.NewReader(reader)
	}
	must(t, err)
	raw, err := io.ReadAll(reader)
	must(t, err)
	return raw
}
