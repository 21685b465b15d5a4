package unpack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// order is what the role "fill" does. It knows its image by number alone, so
// that all processes have the same one.
type order struct {
	Dir   string
	Hang  bool // stop in the middle of the last layer
	Print bool // the directories
}

// fillRole unpacks the shared image.
func fillRole(in *json.Decoder) error {
	var o order
	if err := in.Decode(&o); err != nil {
		return err
	}
	s, err := Open(o.Dir, Options{UserXattr: true, Parallel: 4})
	if err != nil {
		return err
	}
	img := sharedImage()
	if o.Hang {
		last := img.layers[len(img.layers)-1].(*fakeLayer)
		last.open = func() (io.ReadCloser, error) {
			never, _ := io.Pipe()
			return io.NopCloser(io.MultiReader(bytes.NewReader(last.blob[:len(last.blob)/2]), called(func() { fmt.Println("hanging") }), never)), nil
		}
	}
	paths, err := s.Layers(context.Background(), img, nil)
	if err == nil && o.Print {
		fmt.Println(strings.Join(paths, "\n"))
	}
	return err
}

// called is an empty reader that calls when it is read.
type called func()

func (c called) Read([]byte) (int, error) { c(); return 0, io.EOF }

// sharedImage returns the same image in every process.
func sharedImage() *fakeImage {
	img := image()
	for i := range 6 {
		var entries []entry
		for j := range 50 {
			entries = append(entries, file(fmt.Sprintf("d%d/f%d", i, j), strings.Repeat(fmt.Sprint(i*j), 3000)))
		}
		content, err := tarOf(entries...)
		if err != nil {
			panic(err)
		}
		img.layers = append(img.layers, newLayer(content, plain))
	}
	return img
}

func TestGoroutinesShare(t *testing.T) {
	t.Parallel()
	dir, img := t.TempDir(), sharedImage()
	var fetched atomic.Int32
	for _, l := range img.layers {
		l := l.(*fakeLayer)
		l.open = func() (io.ReadCloser, error) {
			fetched.Add(1)
			return io.NopCloser(bytes.NewReader(l.blob)), nil
		}
	}
	one := openStore(t, dir, Options{UserXattr: true})
	results := make([][]string, 8)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() {
			s := one
			if i%2 == 1 {
				s = openStore(t, dir, Options{UserXattr: true})
			}
			var err error
			if results[i], err = s.Layers(t.Context(), img, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, r := range results[1:] {
		if diff := cmp.Diff(results[0], r); diff != "" {
			t.Errorf("(-first +other):\n%s", diff)
		}
	}
	if n := fetched.Load(); n != 6 {
		t.Errorf("fetched %d layers, want 6", n)
	}
	if left := leftovers(dir); len(left) != 6 {
		t.Errorf("the store has %q", left)
	}
}

func TestProcessesShare(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	outputs := make([]string, 3)
	var wg sync.WaitGroup
	for i := range outputs {
		cmd := roleCommand(t, "fill", order{Dir: dir, Print: true})
		wg.Go(func() {
			out, err := cmd.Output()
			if err != nil {
				t.Error(err)
			}
			outputs[i] = string(out)
		})
	}
	wg.Wait()
	if n := strings.Count(outputs[0], "\n"); n != 6 || outputs[1] != outputs[0] || outputs[2] != outputs[0] {
		t.Errorf("the processes got %q", outputs)
	}
	if left := leftovers(dir); len(left) != 6 {
		t.Errorf("the store has %q", left)
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := roleCommand(t, "fill", order{Dir: dir, Hang: true})
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stdout, make([]byte, len("hanging\n"))); err != nil {
		t.Fatal(err)
	}
	temps := func() int {
		return len(slices.DeleteFunc(leftovers(dir), func(name string) bool { return !strings.HasSuffix(name, tempSuffix) }))
	}
	// As long as the process lives, its work is left alone.
	openStore(t, dir, Options{})
	if temps() == 0 {
		t.Error("took away what is being filled")
	}
	cmd.Process.Kill()
	cmd.Wait()
	s := openStore(t, dir, Options{UserXattr: true})
	if temps() != 0 {
		t.Errorf("left behind: %q", leftovers(dir))
	}
	if _, err := s.Layers(t.Context(), sharedImage(), nil); err != nil {
		t.Fatal(err)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	content := newLayer(pax(t, file("a", strings.Repeat("x", 1e6))), plain)
	hanging := func(reached func()) map[string]func() (io.ReadCloser, error) {
		return map[string]func() (io.ReadCloser, error){
			"connect": func() (io.ReadCloser, error) { reached(); select {} },
			"read": func() (io.ReadCloser, error) {
				r, w := io.Pipe()
				go func() {
					w.Write(content.blob[:600_000])
					reached()
				}()
				return r, nil
			},
		}
	}
	for name := range hanging(nil) {
		for _, flat := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, flat %t", name, flat), func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				l := *content
				l.open = hanging(cancel)[name]
				s := openStore(t, t.TempDir(), Options{UserXattr: true})
				var err error
				if flat {
					_, err = s.Flat(ctx, image(&l), nil)
				} else {
					_, err = s.Layers(ctx, image(&l), nil)
				}
				if !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
				if left := leftovers(s.dir); len(left) > 0 {
					t.Errorf("left behind: %q", left)
				}
			})
		}
	}
	t.Run("waiting for another build", func(t *testing.T) {
		t.Parallel()
		s := openStore(t, t.TempDir(), Options{UserXattr: true})
		lock, err := tryLock(s.path(layerKind, content.diffID), 2)
		if err != nil {
			t.Fatal(err)
		}
		defer lock.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if _, err := s.Layers(ctx, image(content), nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestFailureOfOneLayer(t *testing.T) {
	t.Parallel()
	good, bad := newLayer(pax(t, file("a", "1")), gzipped), newLayer(pax(t, file("b", "2")), gzipped)
	bad.open = func() (io.ReadCloser, error) { return nil, os.ErrPermission }
	for _, flat := range []bool{false, true} {
		s := openStore(t, t.TempDir(), Options{UserXattr: true, Parallel: 1})
		var err error
		if flat {
			_, err = s.Flat(t.Context(), image(good, bad), nil)
		} else {
			_, err = s.Layers(t.Context(), image(good, bad), nil)
		}
		if !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), bad.digest.String()) {
			t.Errorf("flat %t: %v", flat, err)
		}
		for _, name := range leftovers(s.dir) {
			if strings.HasSuffix(name, tempSuffix) || flat {
				t.Errorf("flat %t: left behind %s", flat, name)
			}
		}
	}
}
