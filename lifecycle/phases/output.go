package phases

import (
	"errors"
	"fmt"
	"slices"

	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/lifecycle"
)

var (
	_ Output[AnalyzeInput] = (*AnalyzeOutput)(nil)
	_ Output[RestoreInput] = (*RestoreOutput)(nil)
	_ Output[ExportInput]  = (*ExportOutput)(nil)
)

// maxLayers is how many layers a phase may report on: more than the label of a cache
// can name within the bounds for documents.
const maxLayers = 100_000

// Check implements Output. Which images analyze may find is the caller's to say.
func (o *AnalyzeOutput) Check(AnalyzeInput) error {
	for _, reference := range []string{o.Analyzed.RunImageRef(), o.Analyzed.RunImageImage(), o.Analyzed.PreviousImageRef()} {
		if readable(reference) != reference {
			return fmt.Errorf("%q is not a reference", reference)
		}
	}
	if o.Analyzed.BuildImage != nil {
		return errors.New("it reports a build image, which no phase may choose")
	}
	return nil
}

// Check implements Output.
func (o *RestoreOutput) Check(in RestoreInput) error {
	makePlain(o)
	want := in.Imports
	if in.SkipLayers {
		want = nil
	}
	if len(o.Imports) != len(want) {
		return fmt.Errorf("it is about %d imports of %d", len(o.Imports), len(want))
	}
	for i, outcome := range o.Imports {
		o.Imports[i].From = want[i].String()
		if err := checkDigest(outcome.Digest); err != nil {
			return err
		}
	}
	if len(o.Layers) > maxLayers {
		return fmt.Errorf("it is about %d layers", len(o.Layers))
	}
	for _, layer := range o.Layers {
		if layer.Received < 0 || layer.Size < 0 || layer.Seconds < 0 {
			return fmt.Errorf("layer %q has a negative size", layer.Layer)
		}
	}
	return nil
}

// Check implements Output. Whether the image is where it belongs is the caller's
// to find out.
func (o *ExportOutput) Check(in ExportInput) error {
	makePlain(o)
	exports := in.Exports
	if in.AppOnly {
		exports = nil
	}
	err := checkDigest(o.Digest)
	switch {
	case err != nil:
		return err
	case in.Image == "" && o.Saved != (Saved{}):
		return errors.New("it reports an app image that was not asked for")
	case in.Image != "" && in.Known.Registry && o.Digest == "":
		return errors.New("the app image has no digest")
	case len(o.Caches) != len(exports):
		return fmt.Errorf("it is about %d exports of %d", len(o.Caches), len(exports))
	}
	for i := range o.Caches {
		// What decides about the exit code is the user's word.
		o.Caches[i].To, o.Caches[i].Required = exports[i].String(), exports[i].Required
		if err := o.Caches[i].check(); err != nil {
			return fmt.Errorf("cache %s: %w", o.Caches[i].To, err)
		}
	}
	return nil
}

// statuses are what can become of a layer that is saved.
var statuses = []layers.Status{layers.Reused, layers.Updated, layers.Added, layers.Kept, layers.Removed, layers.Absent, layers.Failed}

func (o SaveOutcome) check() error {
	switch err := checkDigest(o.Digest); {
	case err != nil:
		return err
	case o.Failed == "" && o.Digest == "":
		return errors.New("it was neither saved nor refused")
	case len(o.Layers) > maxLayers:
		return fmt.Errorf("it is about %d layers", len(o.Layers))
	}
	for _, layer := range o.Layers {
		switch {
		case !slices.Contains(statuses, layers.Status(layer.Status)):
			return fmt.Errorf("layer %q is %q", layer.Layer, layer.Status)
		case layer.Size < 0 || layer.Sent < 0 || layer.Seconds < 0:
			return fmt.Errorf("layer %q has a negative size", layer.Layer)
		}
	}
	return nil
}

// checkDigest fails for what is neither a digest nor empty.
func checkDigest(text string) error {
	_, err := parseDigest(text)
	return err
}

// clean makes an error of a phase one that can be shown and acted upon.
func (e *Error) clean(phase lifecycle.Name) *Error {
	makePlain(e)
	e.Phase = phase
	if e.Code < 1 || e.Code > 255 {
		e.Code = codeOf(phase)
	}
	return e
}
