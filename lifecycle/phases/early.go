package phases

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"github.com/buildpacks/lifecycle/platform/files"

	"github.com/pack-cache/pack-cache/internal/removal"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// Detected is what restore waits for: which buildpacks take part is known, and
// what else it has to know.
type Detected struct {
	// Analyzed is what analyze has found.
	Analyzed files.Analyzed `json:"analyzed"`
	// RunImage is what image extensions have made of the run image, nil if it is
	// still that of analyze.
	RunImage *RunImage `json:"run_image,omitempty"`
}

// early fetches the layers of a cache before it is known which of them the build
// will want. They grow where no buildpack can see them (lifecycle.StageDir), and
// are put in their place, or dropped, when the lifecycle has decided. It is safe
// for concurrent use.
type early struct {
	stage   string
	fetches map[layers.LayerID]*earlyFetch
	running sync.WaitGroup
}

// earlyFetch is the fetch of one layer.
type earlyFetch struct {
	cancel  context.CancelFunc
	done    chan struct{}
	taken   bool
	fetched *layers.Fetched
	err     error
}

// fetchEarly begins to fetch every layer that a build might want, each from the
// first import that has it, the largest first. Without a stage, which staged tells of,
// it fetches nothing.
func (j *job) fetchEarly(found imported, options layers.RestoreOptions, staged bool) *early {
	e := &early{stage: filepath.Join(j.Paths.Layers, lifecycle.StageDir), fetches: map[layers.LayerID]*earlyFetch{}}
	if !staged {
		return e // what is there is not ours
	}
	if info, err := os.Lstat(e.stage); err != nil || !info.IsDir() {
		return e
	}
	type wanted struct {
		id     layers.LayerID
		diffID string
		from   source
		size   int64
	}
	var all []wanted
	for _, bp := range found.metadata().Buildpacks {
		for name, layer := range bp.Layers {
			if sources := found.holding(layer.SHA); len(sources) > 0 {
				found, _ := sources[0].Layer(layer.SHA)
				all = append(all, wanted{layers.LayerID{Buildpack: bp.ID, Layer: name}, layer.SHA, sources[0], found.Stored()})
			}
		}
	}
	slices.SortFunc(all, func(a, b wanted) int { return cmp.Compare(b.size, a.size) })
	options.Stage = lifecycle.StageDir
	slots := make(chan struct{}, max(2, runtime.NumCPU()))
	for _, w := range all {
		ctx, cancel := context.WithCancel(w.from.ctx)
		f := &earlyFetch{cancel: cancel, done: make(chan struct{})}
		e.fetches[w.id] = f
		e.running.Go(func() {
			defer close(f.done)
			select {
			case slots <- struct{}{}:
				defer func() { <-slots }()
			case <-ctx.Done():
				f.fetched, f.err = &layers.Fetched{}, ctx.Err()
				return
			}
			f.fetched, f.err = w.from.Fetch(ctx, w.diffID, j.Paths.Layers, w.id.Dir(), options)
		})
	}
	return e
}

// restore puts a layer in its place that was fetched early, waiting for it if need
// be. It reports whether there was one at all.
func (e *early) restore(id layers.LayerID) (transfer layers.Transfer, ok bool, err error) {
	f, ok := e.fetches[id]
	if !ok {
		return layers.Transfer{}, false, nil
	}
	<-f.done
	f.taken = true
	if f.err != nil {
		return f.fetched.Transfer, true, f.err
	}
	transfer, err = f.fetched.Publish()
	return transfer, true, err
}

// keep ends the fetches of layers that are not among those that are wanted.
func (e *early) keep(wanted func(layers.LayerID) bool) {
	for id, f := range e.fetches {
		if !wanted(id) {
			f.cancel()
		}
	}
}

// close drops what was not wanted, and removes the stage.
func (e *early) close() error {
	for _, f := range e.fetches {
		f.cancel()
	}
	e.running.Wait()
	for _, f := range e.fetches {
		if !f.taken && f.err == nil {
			_ = f.fetched.Discard() // the stage goes as a whole
		}
	}
	return removal.Path(e.stage)
}
