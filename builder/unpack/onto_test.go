package unpack

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOnto unpacks onto a directory with files: what is to be kept stays,
// whatever the image has there, and the rest counts as a lower layer.
func TestOnto(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	put := func(name, content string) {
		path := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"mine/tool", "etc/hosts", "run/secrets/token", "opt/old", "var/run/deep/kept", "var/run/other"} {
		put(name, "before")
	}
	img := image(
		newLayer(pax(t, file("mine/tool", "image"), file("etc/hosts", "image"), file("etc/os-release", "image"),
			symlink("run", "/elsewhere"), file("opt/new", "image")), plain),
		newLayer(pax(t, file(".wh.mine", ""), file("opt/.wh..wh..opq", ""), file("var/.wh.run", ""), file("usr/bin/tool", "image")), plain))
	err := Onto(t.Context(), img, root, OntoOptions{Keep: []string{"/mine", "/etc/hosts", "/run/secrets", "/var/run/deep/kept"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	err = filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(root, path)
		got[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"mine/tool": "before", "etc/hosts": "before", "run/secrets/token": "before", "var/run/deep/kept": "before",
		"etc/os-release": "image", "usr/bin/tool": "image",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}
