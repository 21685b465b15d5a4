package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
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
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/internal/test/testtree"
	"github.com/pack-cache/pack-cache/layers/blob"
)

// quiet is a logger for the lifecycle.
type quiet struct{ log.Logger }

func (quiet) Debugf(string, ...any) {}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, path, content string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(content), 0o644))
}

// archiveOf archives a layer and returns the archive and its diffID.
func archiveOf(t testing.TB, form Form) ([]byte, string) {
	t.Helper()
	tree, err := List(form)
	must(t, err)
	defer tree.Close()
	press, err := blob.NewPress(blob.Compression{Codec: blob.Uncompressed})
	must(t, err)
	var raw bytes.Buffer
	packed, err := press.Pack(t.Context(), &raw, blob.Content{Fill: tree.WriteArchive})
	must(t, err)
	return raw.Bytes(), packed.DiffID
}

// readHeaders reads an archive to its end.
func readHeaders(t testing.TB, raw []byte) []*tar.Header {
	t.Helper()
	var headers []*tar.Header
	reader := tar.NewReader(bytes.NewReader(raw))
	for {
		h, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return headers
		}
		must(t, err)
		headers = append(headers, h)
	}
}

// inMemory is a blob.Source of one blob.
type inMemory []byte

func (m inMemory) Open(_ context.Context, _ v1.Descriptor, offset, _ int64) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(m[offset:])), nil
}

// feedOf hands out what data decodes to.
func feedOf(data []byte) (*blob.Feed, error) {
	descriptor := v1.Descriptor{Digest: blob.DigestOf(data), Size: int64(len(data))}
	return blob.NewFeed(context.Background(), blob.Open(context.Background(), inMemory(data), descriptor, nil), nil, nil)
}

// Launch layers must have the very bytes that the lifecycle gives the app layer.
func TestArchiveIsTheLifecycles(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 1))
			layersDir := t.TempDir()
			testtree.Random(t, random, filepath.Join(layersDir, "bp", "layer"), 60, 3<<20)
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
			form := Form{LayersDir: layersDir, Prefix: layersDir, Dir: "bp/layer", Normalized: true, UID: 1234, GID: 4321}
			got, diffID := archiveOf(t, form)
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
		raw, _ := archiveOf(t, Form{LayersDir: layersDir, Prefix: test.prefix, Dir: "bp/layer", Normalized: test.normalized})
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
		testtree.Random(t, rand.New(rand.NewPCG(7, 7)), filepath.Join(layersDir, "bp/layer"), 50, 3<<20)
		must(t, os.Chmod(layersDir, 0o755-os.FileMode(len(diffIDs))))
		_, diffID := archiveOf(t, Form{LayersDir: layersDir, Prefix: "/layers", Dir: "bp/layer"})
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
			tree, err := List(Form{LayersDir: layersDir, Prefix: "/layers", Dir: "bp/layer"})
			must(t, err)
			defer tree.Close()
			press, err := blob.NewPress(blob.Compression{})
			must(t, err)
			_, err = press.Digest(t.Context(), tree.WriteArchive)
			if err == nil || !strings.Contains(err.Error(), `"odd"`) {
				t.Errorf("error %v does not name the entry", err)
			}
			var source *blob.SourceError
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
	tree, err := List(Form{LayersDir: layersDir, Prefix: "/layers", Dir: "bp/layer"})
	must(t, err)
	defer tree.Close()
	press, err := blob.NewPress(blob.Compression{})
	must(t, err)
	for name, change := range map[string]func() error{
		"longer":  func() error { return os.WriteFile(path, []byte("much longer than before"), 0o644) },
		"symlink": func() error { return errors.Join(os.Remove(path), os.Symlink("/etc/passwd", path)) },
		"gone":    func() error { return os.Remove(path) },
	} {
		must(t, change())
		if _, err := press.Digest(t.Context(), tree.WriteArchive); err == nil {
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
	testtree.Random(t, rand.New(rand.NewPCG(3, 9)), filepath.Join(layersDir, "bp/layer"), 40, 3<<20)
	tree, err := List(Form{LayersDir: layersDir, Prefix: "/layers", Dir: "bp/layer"})
	must(t, err)
	defer tree.Close()
	for _, codec := range []blob.Codec{blob.Zstd, blob.Gzip, blob.Uncompressed} {
		for _, level := range levelsOf(codec) {
			name := string(codec)
			if level != nil {
				name += fmt.Sprint(*level)
			}
			t.Run(name, func(t *testing.T) {
				press, err := blob.NewPress(blob.Compression{Codec: codec, Level: level})
				must(t, err)
				var packed bytes.Buffer
				made, err := press.Pack(t.Context(), &packed, blob.Content{Fill: tree.WriteArchive})
				must(t, err)
				diffID := made.DiffID
				if got := blob.DigestOf(decodeElsewhere(t, codec, packed.Bytes())).String(); got != diffID {
					t.Errorf("another library reads %s, want %s", got, diffID)
				}
				reader, err := feedOf(packed.Bytes())
				must(t, err)
				defer reader.Close()
				raw, err := io.ReadAll(reader)
				must(t, err)
				if got := blob.DigestOf(raw).String(); got != diffID {
					t.Errorf("we read %s, want %s", got, diffID)
				}
			})
		}
	}
}

func levelsOf(codec blob.Codec) []*int {
	levels := []*int{nil}
	for _, n := range map[blob.Codec][]int{blob.Zstd: {0, 1, 3, 7, 22}, blob.Gzip: {0, 1, 6, 9}}[codec] {
		levels = append(levels, &n)
	}
	return levels
}

// decodeElsewhere decodes as the stock lifecycle's library and the standard
// library do.
func decodeElsewhere(t *testing.T, codec blob.Codec, packed []byte) []byte {
	t.Helper()
	var reader io.Reader = bytes.NewReader(packed)
	var err error
	switch codec {
	case blob.Zstd:
		reader, err = zstd.NewReader(reader)
	case blob.Gzip:
		reader, err = gzip.NewReader(reader)
	}
	must(t, err)
	raw, err := io.ReadAll(reader)
	must(t, err)
	return raw
}
