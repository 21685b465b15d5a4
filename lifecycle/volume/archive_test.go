package volume

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// TestArchive archives a directory in which there is all that a buildpack could
// have left.
func TestArchive(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), t.TempDir()
	inside := filepath.Join(dir, "a")
	for _, err := range []error{
		os.MkdirAll(filepath.Join(inside, "sub"), 0o755),
		os.WriteFile(filepath.Join(inside, "sub", "file"), []byte("content"), 0o644),
		os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o644),
		os.Symlink(outside, filepath.Join(inside, "out")),
		os.Symlink(outside, filepath.Join(dir, "b")),
		unix.Mkfifo(filepath.Join(inside, "pipe"), 0o644),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var archive bytes.Buffer
	if err := Archive(&archive, dir, "a"); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for entries := tar.NewReader(&archive); ; {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(entries)
		if err != nil {
			t.Fatal(err)
		}
		got[header.Name] = string(header.Typeflag) + header.Linkname + string(content)
	}
	want := map[string]string{"sub/": string(tar.TypeDir), "sub/file": string(tar.TypeReg) + "content", "out": string(tar.TypeSymlink) + outside}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if err := Archive(io.Discard, dir, "b"); err == nil {
		t.Error("a link out of the volume was followed")
	}
	if err := Archive(io.Discard, dir, "c"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v for what is not there", err)
	}
}
