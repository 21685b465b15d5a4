package rootfs

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, f *FS) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// entryOf is what a test wants to know of an entry in a tar stream.
type entryOf struct {
	Name     string
	Type     byte
	Mode     int64
	UID, GID int
	Link     string
	Content  string
}

func list(t *testing.T, archive []byte) []entryOf {
	t.Helper()
	var entries []entryOf
	tr := tar.NewReader(bytes.NewReader(archive))
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return entries
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		if !h.ModTime.Equal(modTime()) {
			t.Errorf("%s has modification time %v", h.Name, h.ModTime)
		}
		entries = append(entries, entryOf{h.Name, h.Typeflag, h.Mode, h.Uid, h.Gid, h.Linkname, string(content)})
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	f := New()
	f.File("usr/bin/tool", 0o755|fs.ModeSetuid, Owner{}, []byte("program"))
	f.File("/home/cnb/notes", 0o600, Owner{1000, 1001}, []byte("text"))
	f.Dir("tmp", fs.ModeSticky|0o777, Owner{})
	f.Symlink("bin", "usr/bin")
	if !f.Link("usr/bin/alias", "usr/bin/tool") {
		t.Error("no link to a file that is there")
	}
	if f.Link("usr/bin/none", "nothing") {
		t.Error("a link to nothing")
	}
	f.File("replaced", 0o644, Owner{}, []byte("old"))
	f.File("replaced", 0o640, Owner{}, []byte("new"))
	f.Dir("home/cnb", 0o750, Owner{1000, 1001})

	want := []entryOf{
		{Name: "bin", Type: tar.TypeSymlink, Mode: 0o777, Link: "usr/bin"},
		{Name: "home/", Type: tar.TypeDir, Mode: 0o755},
		{Name: "home/cnb/", Type: tar.TypeDir, Mode: 0o750, UID: 1000, GID: 1001},
		{Name: "home/cnb/notes", Type: tar.TypeReg, Mode: 0o600, UID: 1000, GID: 1001, Content: "text"},
		{Name: "replaced", Type: tar.TypeReg, Mode: 0o640, Content: "new"},
		{Name: "tmp/", Type: tar.TypeDir, Mode: 0o1777},
		{Name: "usr/", Type: tar.TypeDir, Mode: 0o755},
		{Name: "usr/bin/", Type: tar.TypeDir, Mode: 0o755},
		{Name: "usr/bin/alias", Type: tar.TypeReg, Mode: 0o4755, Content: "program"},
		{Name: "usr/bin/tool", Type: tar.TypeLink, Mode: 0o4755, Link: "usr/bin/alias"},
	}
	if diff := cmp.Diff(want, list(t, write(t, f))); diff != "" {
		t.Error(diff)
	}
	if !bytes.Equal(write(t, f), write(t, f)) {
		t.Error("written twice, it differs")
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	f := New()
	f.File("dir/file", 0o644, Owner{}, []byte("content"))
	f.Symlink("dir/link", "file")
	f.Dir("dir/deep/er", 0o755, Owner{})

	if content, ok := f.Read("/dir/file"); !ok || string(content) != "content" {
		t.Errorf("Read: %q, %t", content, ok)
	}
	if _, ok := f.Read("dir/link"); ok {
		t.Error("Read followed a link")
	}
	if target, ok := f.Readlink("dir/link"); !ok || target != "file" {
		t.Errorf("Readlink: %q, %t", target, ok)
	}
	if _, ok := f.Readlink("dir/file"); ok {
		t.Error("Readlink of a file")
	}
	if diff := cmp.Diff([]string{"deep", "file", "link"}, f.List("dir")); diff != "" {
		t.Error(diff)
	}
}

func TestUnpack(t *testing.T) {
	t.Parallel()
	var archive bytes.Buffer
	tw := tar.NewWriter(&archive)
	for _, h := range []tar.Header{
		{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "./bin/", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "./bin/tool", Typeflag: tar.TypeReg, Mode: 0o4755, Size: 4},
		{Name: "./bin/alias", Typeflag: tar.TypeLink, Linkname: "./bin/tool"},
		{Name: "./bin/sh", Typeflag: tar.TypeSymlink, Linkname: "tool"},
		{Name: "./doc/readme", Typeflag: tar.TypeReg, Mode: 0o644, Size: 4},
	} {
		if err := tw.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(tw, "data"[:h.Size]); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	spool, err := NewSpool(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer spool.Close()
	f := New()
	err = spool.Unpack(f, &archive, func(name string) string {
		if strings.HasPrefix(name, "bin/") {
			return "usr/" + name
		}
		return ""
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []entryOf{
		{Name: "usr/", Type: tar.TypeDir, Mode: 0o755},
		{Name: "usr/bin/", Type: tar.TypeDir, Mode: 0o755},
		{Name: "usr/bin/alias", Type: tar.TypeReg, Mode: 0o4755, Content: "data"},
		{Name: "usr/bin/sh", Type: tar.TypeSymlink, Mode: 0o777, Link: "tool"},
		{Name: "usr/bin/tool", Type: tar.TypeLink, Mode: 0o4755, Link: "usr/bin/alias"},
	}
	if diff := cmp.Diff(want, list(t, write(t, f))); diff != "" {
		t.Error(diff)
	}
}
