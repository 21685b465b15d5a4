// Command demo shows pack-cache's main job on a machine without Docker: it
// starts a registry on loopback, assembles a Java builder, builds a real
// application with Maven, builds it again as a second machine that has never
// built before, and starts the app image.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/reporter"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/test/samples"
	"github.com/pack-cache/pack-cache/internal/test/samples/runapp"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/lifecycle/sandbox"
	"github.com/pack-cache/pack-cache/platform"
)

func main() {
	sandbox.Child()
	program := flag.String("pack-cache", "bin/pack-cache", "the program to show")
	app := flag.String("app", "internal/test/samples/apps/java-maven", "directory with the application's source")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *program, *app); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		if way := hint.Of(err); way != "" {
			fmt.Fprintln(os.Stderr, "hint:", way)
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
	var results []*platform.Result
	for _, build := range []struct{ machine, title string }{
		{"first", "Build 1: a machine that has never built before"},
		{"second", "Build 2: another one, with the cache that the first has left in the registry"},
	} {
		title(build.title)
		result, err := d.build(ctx, build.machine)
		if err != nil {
			return err
		}
		results = append(results, result)
	}
	if err := d.start(ctx); err != nil {
		return err
	}
	compare(results)
	return nil
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
func (d *demo) build(ctx context.Context, machine string) (*platform.Result, error) {
	home := filepath.Join(d.dir, machine)
	if err := os.Mkdir(home, 0o755); err != nil {
		return nil, err
	}
	if _, err := d.run(ctx, home, "config", "trusted-builders", "add", d.ref("samples/java-builder")); err != nil {
		return nil, err
	}
	output, err := d.run(ctx, home, "build", d.ref("app"), "--builder", d.ref("samples/java-builder"), "--path", d.app,
		"--cache-image", d.ref("cache"), "--publish", "--output", "json")
	if err != nil {
		return nil, err
	}
	var result platform.Result
	return &result, json.Unmarshal(output, &result)
}

// run runs pack-cache with a HOME, shows its log and returns its output.
func (d *demo) run(ctx context.Context, home string, args ...string) ([]byte, error) {
	fmt.Printf("$ pack-cache %s\n", strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, d.program, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CACHE_HOME=", "PACK_HOME=")
	cmd.Stderr = os.Stdout
	output, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("pack-cache %s: %w", args[0], err)
	}
	return output, nil
}

// compare shows what the cache was worth to the second machine.
func compare(results []*platform.Result) {
	title("The two builds side by side, in seconds")
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "phase\tcold\twarm\t")
	for i, phase := range results[0].Phases {
		fmt.Fprintf(table, "%s\t%.1f\t%.1f\t\n", phase.Name, phase.Seconds, results[1].Phases[i].Seconds)
	}
	fmt.Fprintf(table, "whole\t%.1f\t%.1f\t\n", results[0].Seconds, results[1].Seconds)
	table.Flush()
	for _, layer := range results[1].Layers {
		fmt.Printf("%s: %s, %.1f MB in %.1f s; then %s\n", layer.Layer, layer.Restore, float64(layer.Received)/1e6, layer.RestoreSeconds, layer.Save)
	}
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
	defer engine.RemoveStore(context.WithoutCancel(ctx))
	return runapp.Run(ctx, engine, img, nil, os.Stdout, os.Stdout)
}

func title(text string) { fmt.Printf("\n# %s\n", text) }
