package platform

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestSourceArchive reads back what a volume gets of a source directory.
func TestSourceArchive(t *testing.T) {
	t.Parallel()
	type entry struct {
		Name, Link, Content string
		Type                byte
		Mode                int64
		Time                time.Time
	}
	dir := t.TempDir()
	written := time.Date(2026, 1, 31, 12, 0, 0, 612_345_678, time.UTC)
	program := filepath.Join(dir, "bin", "ümläut")
	for _, err := range []error{
		os.Mkdir(filepath.Join(dir, "bin"), 0o755),
		os.WriteFile(program, []byte("#!/bin/sh\n"), 0o600),
		os.Chmod(program, 0o750),
		os.Symlink("bin", filepath.Join(dir, "link")),
		os.Chtimes(program, written, written),
		os.Chtimes(filepath.Join(dir, "bin"), written, written),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	link, err := os.Lstat(filepath.Join(dir, "link"))
	if err != nil {
		t.Fatal(err)
	}
	app := filepath.Join(t.TempDir(), "app")
	if err := os.Symlink(dir, app); err != nil {
		t.Fatal(err)
	}

	var archive bytes.Buffer
	writer := tar.NewWriter(&archive)
	if err := sourceArchive(app, everything, new(oddFiles))(t.Context(), writer); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	var got []entry
	for reader := tar.NewReader(&archive); ; {
		header, err := reader.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, entry{header.Name, header.Linkname, string(content), header.Typeflag, header.Mode, header.ModTime.UTC()})
	}
	want := []entry{
		{"bin", "", "", tar.TypeDir, 0o755, written},
		{"bin/ümläut", "", "#!/bin/sh\n", tar.TypeReg, 0o750, written},
		{"link", "bin", "", tar.TypeSymlink, 0o777, link.ModTime().UTC()},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("archive (-want +got):\n%s", diff)
	}
}

func everything(string, bool) bool { return true }

// TestSourceFilter leaves files out, but no directory above one that stays.
func TestSourceFilter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"a/b/c/keep", "a/b/drop", "a/x/drop", "a/z/keep", "keep"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name string
		keep func(string, bool) bool
		want []string
	}{
		{"files by their name", func(name string, _ bool) bool { return filepath.Base(name) == "keep" },
			[]string{"a", "a/b", "a/b/c", "a/b/c/keep", "a/z", "a/z/keep", "keep"}},
		{"directories too", func(name string, dir bool) bool { return dir || filepath.Base(name) == "keep" },
			[]string{"a", "a/b", "a/b/c", "a/b/c/keep", "a/x", "a/z", "a/z/keep", "keep"}},
		{"nothing", func(string, bool) bool { return false }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var archive bytes.Buffer
			writer := tar.NewWriter(&archive)
			if err := sourceArchive(dir, test.keep, new(oddFiles))(t.Context(), writer); err != nil {
				t.Fatal(err)
			}
			if err := writer.Close(); err != nil {
				t.Fatal(err)
			}
			var got []string
			for reader := tar.NewReader(&archive); ; {
				header, err := reader.Next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, header.Name)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}
		})
	}
}
