package enginetest

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/pack-cache/pack-cache/internal/tarfile"
)

// Where the builder of the suite has its programs.
const (
	toolPath   = "/cnb/lifecycle/tool"
	setuidPath = "/usr/bin/setuid-tool"
)

// passwd lists the builder's users, the build user among them: Podman would add
// one that is not.
var passwd = fmt.Sprintf("root:x:0:0::/:/bin/sh\ncnb:x:%d:%d::/:/bin/sh\n", testUser.UID, testUser.GID)

// outside is a path on the machine, this process' own, that links in the builder
// lead to. Nothing may ever be there.
func outside() string { return fmt.Sprintf("/pack-cache-enginetest-%d-outside", os.Getpid()) }

// Builder makes a builder image for the suite: the probe at several paths, and
// files and links that try an engine's care, in layers of which later ones hide
// parts of earlier ones.
func Builder(t testing.TB) v1.Image {
	t.Helper()
	program, err := os.ReadFile(Program(t))
	if err != nil {
		t.Fatal(err)
	}
	dir := func(name string) tar.Header { return tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o755} }
	link := func(name, target string) tar.Header {
		return tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777}
	}
	text := func(name, content string) file {
		return file{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644}, []byte(content)}
	}
	layers := [][]file{
		{
			{dir("cnb/"), nil}, {dir("cnb/lifecycle/"), nil}, {dir("etc/"), nil}, {dir("usr/"), nil},
			{dir("usr/bin/"), nil}, {dir("run/"), nil}, {dir("hidden/"), nil},
			{tar.Header{Typeflag: tar.TypeReg, Name: "cnb/lifecycle/tool", Mode: 0o755}, program},
			{tar.Header{Typeflag: tar.TypeDir, Name: "cnb/mine/", Mode: 0o755, Uid: testUser.UID, Gid: testUser.GID}, nil},
			text("cnb/order.toml", "order"),
			text("etc/passwd", passwd),
			text("removed", "of the first layer"),
			text("hidden/file", "of the first layer"),
			text("replaced", "of the first layer"),
		},
		{
			text(".wh.removed", ""),
			text("hidden/.wh..wh..opq", ""),
			text("hidden/other", "of the second layer"),
			text("replaced", "of the second layer"),
			{tar.Header{Typeflag: tar.TypeReg, Name: "usr/bin/setuid-tool", Mode: 0o4755}, program},
			{link("var", "/run"), nil},
			{link("cnb/link", "/etc/passwd"), nil},
		},
		{
			// What a hostile builder may try to have mounted over.
			{link("workspace", "/"), nil},
			{link("layers", "/proc/1/root"+outside()), nil},
			{link("platform", "../../../../../.."+outside()), nil},
			{link("etc/resolv.conf", "../../../../../.."+outside()+"/resolv.conf"), nil},
			{link("etc/hosts", "/proc/self/root"+outside()+"/hosts"), nil},
			{link("tmp", outside()), nil},
			{link("climb", "../../../../../.."+outside()), nil},
			text("state", "a file where a directory is wanted"),
		},
	}
	img := v1.Image(empty.Image)
	for _, files := range layers {
		content := archive(t, files...)
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(content)), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if img, err = mutate.AppendLayers(img, layer); err != nil {
			t.Fatal(err)
		}
	}
	return img
}

// file is an entry of an archive.
type file struct {
	tar.Header
	content []byte
}

// archive writes a tar stream.
func archive(t testing.TB, files ...file) []byte {
	t.Helper()
	var buffer bytes.Buffer
	w := tar.NewWriter(&buffer)
	for _, f := range files {
		header := f.Header
		header.ModTime = time.Unix(1_700_000_000, 0)
		if err := tarfile.Add(w, header, f.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}
