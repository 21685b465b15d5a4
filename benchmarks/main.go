package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle/sandbox"
)

func main() {
	sandbox.Child()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "benchmarks:", err)
		if way := hint.Of(err); way != "" {
			fmt.Fprintln(os.Stderr, "hint:", way)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "stock":
			return stock(ctx, args[1:])
		case "curve":
			return curveCommand(ctx, args[1:])
		case "report":
			return reportCommand(args[1:])
		}
	}
	return measureCommand(ctx, args)
}

// settings are the flags of a measurement.
type settings struct {
	program, dir, results string
	samples, links        []string
	// variants are the scenarios over the first link, slowVariants over the others.
	variants, slowVariants []string
	rounds, coldRounds     int
	fileSystem             string
	onDisk                 bool
}

func measureCommand(ctx context.Context, args []string) error {
	var s settings
	flags := flag.NewFlagSet("benchmarks", flag.ContinueOnError)
	flags.StringVar(&s.program, "pack-cache", "bin/pack-cache", "the program to measure")
	flags.StringVar(&s.dir, "dir", "", "where machines and the registry are (default: the temporary directory)")
	flags.StringVar(&s.results, "results", "bin/benchmarks.json", "file for all figures; runs are added to those that are there")
	samples := flags.String("samples", "go,java,npm", "what to build")
	links := flags.String("links", "loopback,1gbit,1gbit-40MB", "over which links: loopback, 1gbit, 1gbit-40MB (each connection 40 MB/s at most)")
	variants := flags.String("scenarios", "unchanged,source,dependency,foreign", "warm builds after the cold one: what has changed since the build before")
	slow := flags.String("slow-scenarios", "unchanged", "those over all links but the first")
	flags.IntVar(&s.rounds, "rounds", 5, "rounds of each warm scenario")
	flags.IntVar(&s.coldRounds, "cold-rounds", 1, "rounds of the cold scenario")
	flags.BoolVar(&s.onDisk, "on-disk", false, "measure pack-cache with --on-disk, too")
	flags.StringVar(&s.fileSystem, "file-system", "ext4", "file system of a machine: ext4 (a new one, root only), tmpfs (root only) or directory")
	if err := flags.Parse(args); err != nil {
		return err
	}
	s.samples, s.links, s.variants = strings.Split(*samples, ","), strings.Split(*links, ","), strings.Split(*variants, ",")
	s.slowVariants = strings.Split(*slow, ",")
	var err error
	if s.program, err = filepath.Abs(s.program); err != nil {
		return err
	}
	if _, err := os.Stat(s.program); err != nil {
		return fmt.Errorf("%w: run make build", err)
	}
	if s.dir, err = os.MkdirTemp(s.dir, "pack-cache-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(s.dir)
	return s.measure(ctx)
}
