package acceptance

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestPipesWaited has commands wait for what somebody is to write into a named
// pipe: they end with the signal, and they use what is written.
func TestPipesWaited(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, map[string]string{"build-run": `env | grep "^T_" || true`}, nil)
	for name, test := range map[string]struct {
		// pipe is a file below HOME.
		pipe    string
		args    []string
		content string
		says    string
	}{
		"environment": {"vars", []string{"--builder", builder, "--env-file", "vars"}, "T_A=of the pipe\n", "run: T_A=of the pipe"},
		"descriptor":  {"project", []string{"--descriptor", "project"}, "[_]\nschema-version = \"0.2\"\n[io.buildpacks]\nbuilder = \"" + builder + "\"\n", "Builder " + builder},
		"login":       {".docker/config.json", []string{"--builder", builder}, "{}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			path := makePipe(t, m.home, test.pipe)
			args := append([]string{"build", reg.ref("pipe-" + name), "--path", app.dir, "--publish"}, test.args...)

			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			cmd := m.command(ctx, args...)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			writer := openToWrite(ctx, t, path)
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // kills it when ctx ends
			writer.Close()
			outcome{"", stderr.String(), cmd.ProcessState.ExitCode()}.wantCode(t, 130)

			go func() {
				_ = os.WriteFile(path, []byte(test.content), 0) // else the build says what it misses
			}()
			out := m.run(args...)
			out.wantCode(t, 0)
			out.wantStderr(t, test.says)
		})
	}
}

// openToWrite opens a named pipe, which is when somebody opens it to read.
func openToWrite(ctx context.Context, t *testing.T, path string) *os.File {
	t.Helper()
	opened := make(chan *os.File, 1)
	go func() {
		if file, err := os.OpenFile(path, os.O_WRONLY, 0); err == nil {
			opened <- file
		}
	}()
	select {
	case file := <-opened:
		return file
	case <-ctx.Done():
		t.Fatal("nobody reads from " + path)
		return nil
	}
}

// TestPipesRefused puts named pipes where nobody will ever write or read: each is
// named at once, or left out.
func TestPipesRefused(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	for name, test := range map[string]struct {
		// pipe is a file below HOME.
		pipe string
		args []string
		code int
		says string
	}{
		"configuration": {".pack/config.toml", nil, 1, "config.toml: neither a regular file nor a link to one"},
		"named caches":  {".pack/pack-cache.toml", []string{"--image-cache", "team"}, 2, "pack-cache.toml cannot be read: neither a regular file nor a link to one"},
		"source":        {"pipe", []string{"--path", "pipe"}, 2, "application path pipe: "},
		"buildpack":     {"pipe", []string{"--buildpack", "./pipe"}, 1, "it is neither a directory nor a file"},
		"a buildpack's": {"bp/buildpack.toml", []string{"--buildpack", "./bp"}, 1, "buildpack.toml: neither a regular file nor a link to one"},
		"buildpackage":  {"bp/oci-layout", []string{"--buildpack", "./bp"}, 1, "OCI layout: "},
		"git":           {"app/.git/HEAD", []string{"--path", "app"}, 0, ""},
		"output":        {"pipe", []string{"--output", "type=oci,dest=pipe"}, 2, "pipe is a named pipe, which a file would replace"},
		"report":        {"report/report.toml", []string{"--report-output-dir", "report"}, 1, "nobody reads from the named pipe"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			path := makePipe(t, m.home, test.pipe)
			args := []string{"build", reg.ref("refused"), "--builder", builder}
			if name != "source" && name != "git" {
				args = append(args, "--path", app.dir)
			}
			if name != "output" {
				args = append(args, "--publish")
			}
			out := m.run(append(args, test.args...)...)
			out.wantCode(t, test.code)
			out.wantStderr(t, test.says)
			if info, err := os.Lstat(path); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
				t.Errorf("the pipe is gone: %v", err)
			}
		})
	}
}

// makePipe makes a named pipe below a directory.
func makePipe(t *testing.T, dir, name string) (path string) {
	t.Helper()
	path = filepath.Join(dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), syscall.Mkfifo(path, 0o600)); err != nil {
		t.Fatal(err)
	}
	return path
}
