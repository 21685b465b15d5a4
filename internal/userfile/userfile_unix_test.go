//go:build unix

package userfile

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pack-cache/pack-cache/internal/bounds"
)

func pipe(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestReadPipe reads what somebody writes into a named pipe, however late.
func TestReadPipe(t *testing.T) {
	t.Parallel()
	path := pipe(t)
	written := make(chan error, 1)
	go func() { written <- os.WriteFile(path, []byte("content"), 0) }()
	content, err := Read(t.Context(), path)
	if err = errors.Join(err, <-written); err != nil || string(content) != "content" {
		t.Errorf("%q, %v", content, err)
	}
}

// TestReadEnds ends although nobody opens a named pipe to write, or nobody writes.
func TestReadEnds(t *testing.T) {
	t.Parallel()
	if _, err := read(t.Context(), pipe(t), time.Nanosecond); err == nil || !strings.Contains(err.Error(), "nobody has written to it") {
		t.Errorf("without a writer: %v", err)
	}
	stopped := errors.New("stopped")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stopped)
	if _, err := Read(ctx, pipe(t)); err != stopped {
		t.Errorf("cancelled without a writer: %v", err)
	}
	path := pipe(t)
	ctx, cancel = context.WithCancelCause(t.Context())
	failed := make(chan error, 1)
	go func() {
		writer, err := os.OpenFile(path, os.O_WRONLY, 0) // returns when it is read from
		cancel(stopped)
		if err == nil {
			t.Cleanup(func() { writer.Close() })
		}
		failed <- err
	}()
	if _, err := Read(ctx, path); err != stopped {
		t.Errorf("cancelled with a writer: %v", err)
	}
	if err := <-failed; err != nil {
		t.Error(err)
	}
}

// TestReadBounded does not read what never ends.
func TestReadBounded(t *testing.T) {
	t.Parallel()
	if _, err := Read(t.Context(), "/dev/zero"); !errors.Is(err, bounds.ErrExceeded) {
		t.Errorf("%v", err)
	}
}

// TestOpenRegular opens files and the null device, and nothing else.
func TestOpenRegular(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, err := range []error{
		os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o600),
		os.Symlink("file", filepath.Join(dir, "link")),
		os.Symlink("/etc/passwd", filepath.Join(dir, "outside")),
		os.Mkdir(filepath.Join(dir, "dir"), 0o700),
		syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]error{"file": nil, "link": nil, "dir": ErrNotRegular, "pipe": ErrNotRegular, "none": fs.ErrNotExist} {
		if _, err := ReadRegular(filepath.Join(dir, name)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
		file, err := OpenIn(root, name)
		if !errors.Is(err, want) {
			t.Errorf("%s below a root: %v, want %v", name, err, want)
		}
		if err == nil {
			file.Close()
		}
	}
	if content, err := ReadRegular(os.DevNull); err != nil || len(content) > 0 {
		t.Errorf("null: %q, %v", content, err)
	}
	if file, err := OpenIn(root, "outside"); err == nil {
		file.Close()
		t.Error("a link to outside of the root was followed")
	}
}

// TestCreate does not wait for somebody who reads a pipe.
func TestCreate(t *testing.T) {
	t.Parallel()
	if _, err := Create(pipe(t)); err == nil || !strings.Contains(err.Error(), "nobody reads") {
		t.Errorf("%v", err)
	}
	path := pipe(t)
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if _, err := CreateIn(root, filepath.Base(path)); err == nil || !strings.Contains(err.Error(), "nobody reads") {
		t.Errorf("below a root: %v", err)
	}
	reader, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	file, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
}
