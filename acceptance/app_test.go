package acceptance

import (
	"os"
	"path/filepath"
	"testing"
)

// app is the source of an application for the tiny builder, whose buildpacks
// are steered by the files in bp-config.
type app struct {
	t   *testing.T
	dir string
}

// newApp writes an application: settings by their name in bp-config, and other
// files by their path.
func newApp(t *testing.T, settings, files map[string]string) *app {
	t.Helper()
	a := &app{t, openDir(t)}
	a.write("hello.txt", "hello\n")
	a.set(settings)
	for path, content := range files {
		a.write(path, content)
	}
	return a
}

// set changes settings of the buildpacks.
func (a *app) set(settings map[string]string) {
	a.t.Helper()
	for name, value := range settings {
		a.write(filepath.Join("bp-config", name), value)
	}
}

// unset removes a setting.
func (a *app) unset(name string) {
	a.t.Helper()
	if err := os.Remove(filepath.Join(a.dir, "bp-config", name)); err != nil {
		a.t.Fatal(err)
	}
}

func (a *app) write(path, content string) {
	a.t.Helper()
	path = filepath.Join(a.dir, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		a.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		a.t.Fatal(err)
	}
}
