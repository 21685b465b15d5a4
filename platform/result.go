package platform

import (
	"cmp"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/phases"
)

// Result is what a build made and what became of its cache.
type Result struct {
	// Image is what stands for the app image and no other: its reference by
	// digest, the id that it has in a daemon, or oci: and a directory, with the
	// digest. For a file, it is the file's path; "" if only the cache was wanted.
	Image string `json:"image"`
	// Digest is that of its manifest, ID that of its config. What the image does
	// not have where it went is "".
	Digest string `json:"digest,omitempty"`
	ID     string `json:"image_id,omitempty"`
	// Output says where the image went.
	Output OutputResult `json:"output"`
	// Tags are its names, none in a directory.
	Tags     []string               `json:"tags"`
	Builder  BuilderResult          `json:"builder"`
	Engine   string                 `json:"engine"`
	RunImage string                 `json:"run_image"`
	Phases   []PhaseTime            `json:"phases"`
	Imports  []phases.ImportOutcome `json:"cache_imports"`
	Layers   []LayerResult          `json:"cache_layers"`
	Saved    []phases.SaveOutcome   `json:"cache_exports"`
	Seconds  float64                `json:"seconds"`

	started time.Time
	places  map[string]int // of Layers, by their names; nil if they have moved
	cleared bool           // by --clear-cache
}

// OutputResult is where an app image went.
type OutputResult struct {
	// To is registry, daemon, oci-directory, oci-file, docker-file or none.
	To string `json:"to"`
	// At is the daemon's address, or the path.
	At string `json:"at,omitempty"`
}

// BuilderResult is the builder that was used and how it was judged.
type BuilderResult struct {
	// Image and Digest are "" for the image that pack-cache runs in, if the user
	// did not name it.
	Image       string `json:"image"`
	Digest      string `json:"digest"`
	Trusted     bool   `json:"trusted"`
	Reason      string `json:"reason"`
	PlatformAPI string `json:"platform_api"`
}

// PhaseTime is how long a phase took. The first one, "prepare", is everything
// before the phases: looking up images and unpacking the builder.
type PhaseTime struct {
	Name    lifecycle.Name `json:"name"`
	Seconds float64        `json:"seconds"`
}

// LayerResult is the way of one layer through the build.
type LayerResult struct {
	Layer string `json:"layer"`
	// Restore is restored or missed; "" if the build had no use for the layer.
	Restore       string `json:"restore"`
	RestoreReason string `json:"restore_reason,omitempty"`
	From          string `json:"from,omitempty"`
	Received      int64  `json:"received_bytes"`
	// Save is reused, updated, added, kept, removed, absent or failed; "" if no
	// cache was saved. With several exports it is that of the first.
	Save           string  `json:"save,omitempty"`
	SaveReason     string  `json:"save_reason,omitempty"`
	Sent           int64   `json:"sent_bytes"`
	Size           int64   `json:"size_bytes"`
	RestoreSeconds float64 `json:"restore_seconds"`
	SaveSeconds    float64 `json:"save_seconds"`
}

func newResult(r *resolved, started time.Time) *Result {
	return &Result{
		started: started,
		cleared: r.ClearCache,
		Phases:  []PhaseTime{{"prepare", time.Since(started).Seconds()}},
		Output:  OutputResult{r.Output.To.String(), r.Output.Path},
		Tags:    r.tags(),
		Engine:  r.traits.Name,
		Builder: builderResult(r),
	}
}

func builderResult(r *resolved) BuilderResult {
	res := BuilderResult{Trusted: r.verdict.Trusted, Reason: r.verdict.Reason, PlatformAPI: r.api}
	if r.builderRef != nil {
		res.Image, res.Digest = r.builderRef.Name(), r.builder.Digest.String()
	}
	return res
}

// tags are the names of the app image.
func (r *resolved) tags() []string {
	var all []string
	for i, image := range r.names {
		name := image.written
		if i == 0 {
			name = image.ref.Name()
		}
		all = append(all, name)
	}
	return all
}

// time runs a phase and keeps how long it took.
func (res *Result) time(phase lifecycle.Name, run func() error) error {
	started := time.Now()
	err := run()
	res.Phases = append(res.Phases, PhaseTime{phase, time.Since(started).Seconds()})
	res.Seconds = time.Since(res.started).Seconds()
	return err
}

// prepare runs what belongs to the time before the phases, although one of them
// has run already.
func (res *Result) prepare(run func() error) error {
	started := time.Now()
	err := run()
	res.Phases[0].Seconds += time.Since(started).Seconds()
	return err
}

func (res *Result) layer(id string) *LayerResult {
	if res.places == nil {
		res.places = map[string]int{}
		for i := range res.Layers {
			res.places[res.Layers[i].Layer] = i
		}
	}
	if i, ok := res.places[id]; ok {
		return &res.Layers[i]
	}
	res.places[id] = len(res.Layers)
	res.Layers = append(res.Layers, LayerResult{Layer: id, Restore: "missed", RestoreReason: res.missReason()})
	return &res.Layers[len(res.Layers)-1]
}

// missReason says why a layer that no import named was missed.
func (res *Result) missReason() string {
	if res.cleared {
		return "--clear-cache was given"
	}
	reason := "there is no cache to restore from"
	for _, at := range res.Imports {
		switch {
		case at.Digest != "":
			return "not in the cache"
		case at.Missing:
			reason = at.Reason
		default:
			reason = "the cache could not be read"
		}
	}
	return reason
}

func (res *Result) restored(out phases.RestoreOutput) {
	res.Imports = out.Imports
	for _, l := range out.Layers {
		layer := res.layer(l.Layer)
		layer.RestoreReason, layer.From = l.Reason, l.From
		if l.Restored {
			layer.Restore = "restored"
		}
		layer.Received, layer.Size, layer.RestoreSeconds = l.Received, l.Size, l.Seconds
	}
}

func (res *Result) exported(out phases.ExportOutput) {
	res.Digest, res.ID, res.Saved = out.Digest, out.ID, out.Caches
	switch res.Output.To {
	case ToRegistry.String():
		if ref, err := name.ParseReference(res.Tags[0], name.WeakValidation); err == nil {
			res.Image = ref.Context().Digest(out.Digest).Name()
		}
	case ToDaemon.String():
		res.Image = out.ID
	case ToLayout.String():
		res.Image = LayoutPrefix + res.Output.At + "@" + out.Digest
	default:
		res.Image = res.Output.At
	}
	for i, saved := range out.Caches {
		for _, l := range saved.Layers {
			layer := res.layer(l.Layer)
			if i > 0 && layer.Save != "" {
				layer.Sent += l.Sent
				continue
			}
			if l.Status == string(layers.Kept) || l.LaunchOnly && layer.Restore == "missed" {
				layer.Restore, layer.RestoreReason = "", "" // no buildpack wanted it
			}
			layer.Save, layer.SaveReason, layer.SaveSeconds = l.Status, l.Reason, l.Seconds
			layer.Sent += l.Sent
			layer.Size = max(layer.Size, l.Size)
		}
	}
	slices.SortFunc(res.Layers, func(a, b LayerResult) int { return cmp.Compare(a.Layer, b.Layer) })
	res.places = nil
}

// cacheNotSaved returns an error for the first export that failed, if that or
// the cache altogether is required.
func (res *Result) cacheNotSaved(required bool) error {
	for _, saved := range res.Saved {
		if saved.Failed != "" && (required || saved.Required) {
			return &CacheNotSavedError{To: saved.To, Reason: saved.Failed, CacheOnly: res.Output.To == ToNowhere.String()}
		}
	}
	return nil
}
