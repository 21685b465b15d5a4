// Command demo shows pack-cache's main job on a machine without Docker: it
// starts a registry on loopback, assembles a Java builder, builds a real
// application with Maven, builds it again as a second machine that has never
// built before, and starts the app image.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pack-cache/pack-cache/internal/cli/reporter"
	"github.com/pack-cache/pack-cache/internal/samples"
	"github.com/pack-cache/pack-cache/internal/samples/runapp"
	"github.com/pack-cache/pack-cache/internal/testregistry"
	"github.com/pack-cache/pack-cache/lifecycle/sandbox"
)

func main() {
	sandbox.Child()
	program := flag.String("pack-cache", "bin/pack-cache", "the program to show")
	app := flag.String("app", "internal/samples/apps/java-maven", "directory with the application's source")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *program, *app); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		if hinted, ok := errors.AsType[interface {
			error
			Hint() string
		}](err); ok {
			fmt.Fprintln(os.Stderr, "hint:", hinted.Hint())
		}
		os.Exit(1)
	}
}

// demo is what the steps share.
type demo struct {
	program, app string
	registry     *testregistry.Registry
	dir          string
}

func run(ctx context.Context, program, app string) error {
	program, err := filepath.Abs(program)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "pack-cache-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	title("A registry on loopback")
	registry, err := testregistry.Start(ctx, testregistry.Options{})
	if err != nil {
		return err
	}
	defer registry.Close()
	fmt.Println(registry.Addr)

	d := &demo{program, app, registry, dir}
	if err := d.pushBuilder(ctx); err != nil {
		return err
	}
	for i, machine := range []string{"first", "second"} {
		title(fmt.Sprintf("Build %d: a machine that has never built before", i+1))
		if err := d.build(ctx, machine); err != nil {
			return err
		}
	}
	return d.start(ctx)
}

func (d *demo) ref(repository string) string { return d.registry.Addr + "/" + repository }

func (d *demo) pushBuilder(ctx context.Context) error {
	title("A Java builder, out of Debian packages and the stock lifecycle")
	started := time.Now()
	builder, err := samples.Java(ctx, samples.Options{
		RunImage: d.ref("samples/java-run"),
		Progress: reporter.New(os.Stdout, reporter.Options{}),
	})
	if err != nil {
		return err
	}
	if err := builder.Push(ctx, d.ref("samples/java-builder")); err != nil {
		return err
	}
	fmt.Printf("%s, in %.1f s\n", d.ref("samples/java-builder"), time.Since(started).Seconds())
	return nil
}

// build plays a machine: an empty HOME, and with it an empty store.
func (d *demo) build(ctx context.Context, machine string) error {
	home := filepath.Join(d.dir, machine)
	if err := os.Mkdir(home, 0o755); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"config", "trusted-builders", "add", d.ref("samples/java-builder")},
		{"build", d.ref("app"), "--builder", d.ref("samples/java-builder"), "--path", d.app,
			"--cache-image", d.ref("cache"), "--publish"},
	} {
		fmt.Printf("$ pack-cache %s\n", strings.Join(args, " "))
		cmd := exec.CommandContext(ctx, d.program, args...)
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
		cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CACHE_HOME=", "PACK_HOME=")
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stdout
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("pack-cache %s: %w", args[0], err)
		}
	}
	return nil
}

func (d *demo) start(ctx context.Context) error {
	title("The app image, started through its launcher")
	ref, err := name.ParseReference(d.ref("app"))
	if err != nil {
		return err
	}
	img, err := remote.Image(ref, remote.WithContext(ctx))
	if err != nil {
		return err
	}
	engine := sandbox.New(sandbox.Config{StoreDir: filepath.Join(d.dir, "app"), WorkDir: d.dir})
	return runapp.Run(ctx, engine, img, nil, os.Stdout, os.Stdout)
}

func title(text string) { fmt.Printf("\n# %s\n", text) }
