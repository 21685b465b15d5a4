package samples_test

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/test/samples"
)

// images are the sample images as they come, each unpacked at most once:
// decompressing is most of the work of these tests. Tests run programs in
// clones of them.
var images struct {
	dir                           string
	tinyBuild, javaBuild, javaRun pristine
}

func TestMain(m *testing.M) {
	code, err := testMain(m)
	if err != nil {
		panic(err)
	}
	os.Exit(code)
}

func testMain(m *testing.M) (code int, err error) {
	if images.dir, err = os.MkdirTemp("", "samples-test-*"); err != nil {
		return 1, err
	}
	defer os.RemoveAll(images.dir)
	make := func(assemble func(context.Context, samples.Options) (*samples.Builder, error)) func() (*samples.Builder, error) {
		return sync.OnceValues(func() (*samples.Builder, error) {
			return assemble(context.Background(), samples.Options{RunImage: defaultRunImage})
		})
	}
	tiny, java := make(samples.Tiny), make(samples.Java)
	build := func(b *samples.Builder) v1.Image { return b.Build }
	run := func(b *samples.Builder) v1.Image { return b.Run }
	images.tinyBuild = newPristine("tiny-build", tiny, build)
	images.javaBuild = newPristine("java-build", java, build)
	images.javaRun = newPristine("java-run", java, run)
	return m.Run(), nil
}

// pristine unpacks an image when it is first called, and returns where, and the
// headers of its entries.
type pristine func() (dir string, headers map[string]tar.Header, err error)

func newPristine(name string, assemble func() (*samples.Builder, error), pick func(*samples.Builder) v1.Image) pristine {
	var dir string
	once := sync.OnceValues(func() (map[string]tar.Header, error) {
		b, err := assemble()
		if err != nil {
			return nil, err
		}
		dir = filepath.Join(images.dir, name)
		return unpack(dir, pick(b))
	})
	return func() (string, map[string]tar.Header, error) {
		headers, err := once()
		return dir, headers, err
	}
}

// clone returns a copy of an image for one test. Files are shared by hard
// links, so a test may add, replace and remove files, but not write into one.
func clone(t *testing.T, from pristine) (tree, map[string]tar.Header) {
	t.Helper()
	dir, headers, err := from()
	if err != nil {
		t.Fatal(err)
	}
	r := tree{dir: filepath.Join(images.dir, strings.ReplaceAll(t.Name(), "/", "-")+"-"+filepath.Base(dir))}
	if out, err := exec.CommandContext(t.Context(), "cp", "-al", dir, r.dir).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v\n%s", err, out)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(r.dir); err != nil {
			t.Error(err)
		}
	})
	return r, headers
}

// unpack unpacks an image into dir. All of it belongs to whoever runs the test;
// who should own it is in the headers.
func unpack(dir string, img v1.Image) (map[string]tar.Header, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	headers := map[string]tar.Header{}
	return headers, eachEntry(img, func(h *tar.Header, content io.Reader) error {
		headers[h.Name] = *h
		return extract(root, h, content)
	})
}

// eachEntry calls visit for each entry of each layer.
func eachEntry(img v1.Image, visit func(*tar.Header, io.Reader) error) error {
	layers, err := img.Layers()
	if err != nil {
		return err
	}
	for _, l := range layers {
		content, err := l.Uncompressed()
		if err != nil {
			return err
		}
		defer content.Close()
		for tr := tar.NewReader(content); ; {
			h, err := tr.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
			if err := visit(h, tr); err != nil {
				return err
			}
		}
	}
	return nil
}

func extract(root *os.Root, h *tar.Header, content io.Reader) error {
	name := strings.TrimSuffix(h.Name, "/")
	switch h.Typeflag {
	case tar.TypeDir:
		return root.MkdirAll(name, 0o755)
	case tar.TypeSymlink:
		return root.Symlink(h.Linkname, name)
	case tar.TypeLink:
		return root.Link(h.Linkname, name)
	default:
		f, err := root.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, fs.FileMode(h.Mode)&fs.ModePerm)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, content)
		return errors.Join(err, f.Close())
	}
}
