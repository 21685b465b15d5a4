package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/buildpacks/lifecycle/buildpack"

	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/ocidir"
)

// The lines of the page between which the curve's table is written.
const (
	curveBegin = "<!-- what follows is written by make bench-curve -->\n"
	curveEnd   = "<!-- the end of the curve -->\n"
)

// point is one size of a cache layer.
type point struct {
	bytes int64
	files int
}

// points go from small to large, first in bytes, then in files.
func points() []point {
	return []point{
		{10e6, 2_000}, {100e6, 2_000}, {1e9, 2_000}, {10e9, 2_000},
		{400e3, 100}, {4e6, 1_000}, {40e6, 10_000}, {400e6, 100_000}, {2e9, 500_000},
	}
}

// curveCommand measures how saving and restoring one layer grows with it, within
// this process: package layers, an OCI layout on the same file system, nothing
// else.
func curveCommand(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("curve", flag.ContinueOnError)
	dir := flags.String("dir", "", "where the file systems are made (default: the temporary directory)")
	fileSystem := flags.String("file-system", "ext4", "ext4, tmpfs or directory")
	least := flags.Int64("least", 0, "smallest layer to measure, in bytes")
	most := flags.Int64("most", 10e9, "largest layer to measure, in bytes")
	page := flags.String("page", "docs/performance.md", "page to write the table into")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if _, err := exec.LookPath("zstd"); err != nil {
		return fmt.Errorf("%w: install the package zstd, which pack-cache is compared with", err)
	}
	var table strings.Builder
	table.WriteString("\n| bytes | files | save s | `tar \\| zstd -1 -T0` s | restore s | `zstd -dc \\| tar x` s | unchanged s | peak memory MB |\n|---|---|---|---|---|---|---|---|\n")
	for _, p := range points() {
		if p.bytes < *least || p.bytes > *most {
			continue
		}
		row, err := p.measure(ctx, *dir, *fileSystem)
		if err != nil {
			return fmt.Errorf("%d bytes in %d files: %w", p.bytes, p.files, err)
		}
		fmt.Fprint(os.Stderr, row)
		table.WriteString(row)
	}
	return replaceBetween(*page, curveBegin, curveEnd, table.String()+"\n")
}

// curveRounds is how often restoring and unpacking take turns.
const curveRounds = 3

// measure makes the layer on a file system of its own and returns a row. Each step
// begins with nothing left to be written to the disk, and without the memory that
// the one before has left behind: in a build each is a process of its own.
func (p point) measure(ctx context.Context, dir, fileSystem string) (_ string, err error) {
	m, err := newMachine(ctx, dir, fileSystem)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	timed := func(step func() error) (seconds float64, err error) {
		if err := command(ctx, "sync", "-f", m.dir); err != nil {
			return 0, err
		}
		debug.FreeOSMemory()
		started := time.Now()
		err = step()
		return time.Since(started).Seconds(), err
	}
	layer := layers.CachedLayer{
		ID: layers.LayerID{Buildpack: "curve", Layer: "layer"}, Version: "1",
		Metadata: buildpack.LayerMetadata{LayerMetadataFile: buildpack.LayerMetadataFile{Cache: true}},
	}
	first, second, third := filepath.Join(m.dir, "first"), filepath.Join(m.dir, "second"), filepath.Join(m.dir, "third")
	state, archive := filepath.Join(m.dir, "state"), filepath.Join(m.dir, "archive.tar.zst")
	if err := p.make(ctx, filepath.Join(first, layer.ID.Dir())); err != nil {
		return "", err
	}
	store := ocidir.New(ocidir.Config{Dir: filepath.Join(m.dir, "cache")})
	request := layers.SaveRequest{
		Store: store, Name: "curve",
		Built:  layers.Built{LayersDir: first, ArchivePrefix: "/layers", StateDir: state, UID: os.Getuid(), GID: os.Getgid()},
		Layers: []layers.CachedLayer{layer}, Group: []string{"curve"},
	}
	debug.FreeOSMemory()
	resetPeak()
	save, err := timed(func() error { _, err := layers.Save(ctx, request); return err })
	if err != nil {
		return "", err
	}
	tarred, err := timed(func() error {
		return command(ctx, "sh", "-c", `tar c -C "$1" . | zstd -q -1 -T0 -o "$2"`, "sh", first, archive)
	})
	if err != nil {
		return "", err
	}
	snapshot, err := layers.Load(ctx, store, "curve")
	if err != nil {
		return "", err
	}
	metadata := snapshot.Metadata()
	diffID := metadata.MetadataForBuildpack("curve").Layers["layer"].SHA
	if err := os.RemoveAll(first); err != nil {
		return "", err
	}
	var restore, untarred [curveRounds]float64
	for i := range curveRounds {
		if err := errors.Join(ctx.Err(), os.RemoveAll(second), os.Mkdir(second, 0o755)); err != nil {
			return "", err
		}
		restore[i], err = timed(func() error {
			_, err := snapshot.Restore(ctx, diffID, second, layer.ID.Dir(), layers.RestoreOptions{StateDir: state})
			return err
		})
		if err != nil {
			return "", err
		}
		untarred[i], err = timed(func() error {
			return command(ctx, "sh", "-c", `mkdir "$2" && zstd -q -dc "$1" | tar x -C "$2"`, "sh", archive, third)
		})
		if err := errors.Join(err, os.RemoveAll(third)); err != nil {
			return "", err
		}
	}
	request.LayersDir, request.Previous = second, snapshot
	unchanged, err := timed(func() error {
		report, err := layers.Save(ctx, request)
		if err == nil && report.Changed {
			return errors.New("an unchanged layer was saved")
		}
		return err
	})
	return fmt.Sprintf("| %s | %d | %.2f | %.2f | %.2f | %.2f | %.3f | %d |\n",
		megabytes(p.bytes), p.files, save, tarred, median(restore[:]), median(untarred[:]), unchanged, peakMemory()>>20), err
}

// make writes the files: text of a fixed vocabulary, 500 files in a directory.
func (p point) make(ctx context.Context, dir string) error {
	random := rand.New(rand.NewPCG(1, 2))
	var vocabulary [4000]string
	for i := range vocabulary {
		vocabulary[i] = fmt.Sprintf("%x ", random.Uint64N(1<<(8+i%40)))
	}
	pool := make([]byte, 0, 64<<20)
	for len(pool) < 64<<20-64 {
		pool = append(pool, vocabulary[random.IntN(len(vocabulary))]...)
	}
	size := int(p.bytes / int64(p.files))
	for i := range p.files {
		sub := filepath.Join(dir, fmt.Sprint(i/500))
		if i%500 == 0 {
			if err := errors.Join(ctx.Err(), os.MkdirAll(sub, 0o755)); err != nil {
				return err
			}
		}
		at := random.IntN(len(pool) - size)
		if err := os.WriteFile(filepath.Join(sub, fmt.Sprint(i)), pool[at:at+size], 0o644); err != nil {
			return err
		}
	}
	return nil
}
