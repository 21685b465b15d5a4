// Command sample-builder assembles a sample builder and its run image and
// pushes them to a registry or writes them into an OCI layout.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/progress"
	"github.com/pack-cache/pack-cache/internal/test/samples"
)

const usage = `usage: sample-builder push tiny|java|go|npm BUILDER-REF RUN-REF
       sample-builder write tiny|java|go|npm DIR`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "sample-builder:", err)
		if way := hint.Of(err); way != "" {
			fmt.Fprintln(os.Stderr, "hint:", way)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("sample-builder", flag.ExitOnError)
	flags.Usage = func() { fmt.Fprintln(os.Stderr, usage) }
	if err := flags.Parse(args); err != nil {
		return err
	}
	args = flags.Args()
	makers := map[string]func(context.Context, samples.Options) (*samples.Builder, error){
		"go":   samples.Go,
		"java": samples.Java,
		"npm":  samples.Npm,
		"tiny": samples.Tiny,
	}
	if len(args) < 3 || makers[args[1]] == nil {
		return errors.New(usage)
	}
	options := samples.Options{Progress: reporter{progress.Discard}, RunImage: "run"}
	switch verb, makeBuilder := args[0], makers[args[1]]; {
	case verb == "push" && len(args) == 4:
		options.RunImage = args[3]
		b, err := makeBuilder(ctx, options)
		if err != nil {
			return err
		}
		return b.Push(ctx, args[2], remote.WithAuthFromKeychain(authn.DefaultKeychain))
	case verb == "write" && len(args) == 3:
		b, err := makeBuilder(ctx, options)
		if err != nil {
			return err
		}
		return b.Write(args[2])
	default:
		return errors.New(usage)
	}
}

// reporter shows what takes long, and nothing else.
type reporter struct{ progress.Reporter }

func (reporter) Info(message string) { fmt.Fprintln(os.Stderr, message) }

func (r reporter) Output(string) io.WriteCloser { return r.Reporter.Output("") }
