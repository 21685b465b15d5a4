package acceptance

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestClosedSource builds sources with files and directories that their owner may
// not read: root reads them, and the build gets them so that it can; anybody else is
// told which file it is.
func TestClosedSource(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	for name, close := range map[string]func(string) error{
		"file":      func(path string) error { return os.WriteFile(path, []byte("content"), 0) },
		"directory": func(path string) error { return os.Mkdir(path, 0o200) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := newApp(t, map[string]string{"build-run": "stat -c %a closed"}, nil)
			path := filepath.Join(app.dir, "closed")
			if err := close(path); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Chmod(path, 0o700) }) // else an ordinary user cannot remove it
			m := newMachine(t).ordinary()
			m.own(path)
			args := []string{"build", reg.ref("app-" + name), "--path", app.dir, "--builder", builder, "--publish"}
			out := m.run(args...)
			out.wantCode(t, 2)
			out.wantStderr(t, `ERROR: application source: "closed" cannot be read: permission denied`, "HINT: let this user read it")
			if os.Getuid() != 0 {
				return
			}
			out = newMachine(t).run(args...)
			out.wantCode(t, 0)
			out.wantStderr(t, `Made readable to the build: "closed" (mode `)
		})
	}
	t.Run("by a buildpack", func(t *testing.T) {
		t.Parallel()
		app := newApp(t, map[string]string{"build-run": "touch closed; chmod 0 closed"}, nil)
		out := newMachine(t).ordinary().run("build", reg.ref("left"), "--path", app.dir, "--builder", builder, "--publish")
		out.wantCode(t, 62)
		out.wantStderr(t, "HINT: the build user has to be able to read /workspace/closed: change its mode")
	})
}
