package build

import (
	"fmt"
	"io"
	"strings"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/units"
	"github.com/pack-cache/pack-cache/platform"
)

// summarise writes what became of the cache, layer by layer, and how long
// everything took. It is made to be read from below: the last lines say most.
func summarise(w io.Writer, res *platform.Result) {
	if len(res.Layers) > 0 {
		fmt.Fprintln(w, "Cached layers:")
		layerTable(w, res)
	}
	fmt.Fprintln(w, totals(res))
	fmt.Fprintln(w, times(res))
	fmt.Fprintln(w, whereabouts(res))
}

// whereabouts says where the app image is.
func whereabouts(res *platform.Result) string {
	tags := strings.Join(res.Tags, ", ")
	switch platform.Destination(res.Output.To) {
	case platform.ToNowhere:
		return "No app image was made"
	case platform.ToRegistry:
		return "Published " + tags
	case platform.ToLayout:
		return fmt.Sprintf("The image is in the directory %s (%s)", res.Output.At, res.Digest)
	case platform.ToLayoutFile:
		return fmt.Sprintf("The image %s is in the file %s (%s)", tags, res.Output.At, res.Digest)
	case platform.ToDockerFile:
		return fmt.Sprintf("The image %s is in the file %s (%s)", tags, res.Output.At, res.ID)
	}
	return fmt.Sprintf("The image %s is in the docker daemon at %s (%s)", tags, res.Output.At, res.ID)
}

func totals(res *platform.Result) string {
	if len(res.Imports)+len(res.Saved)+len(res.Layers) == 0 {
		return "Cache: none was asked for; name one with --cache-image, or with --import-cache and --export-cache"
	}
	var restored, wanted int
	var received, sent int64
	for _, l := range res.Layers {
		received += l.Received
		if l.Restore != "" {
			wanted++
		}
		if l.Restore == "restored" {
			restored++
		}
	}
	parts := []string{fmt.Sprintf("Cache: %d of %d layers restored, %s received", restored, wanted, units.Size(received))}
	for _, saved := range res.Saved {
		sent += saved.Sent
		if saved.Failed != "" {
			parts = append(parts, "NOT saved to "+saved.To)
		}
	}
	if len(res.Saved) > 0 {
		parts = append(parts, units.Size(sent)+" sent")
	}
	return strings.Join(parts, ", ")
}

func times(res *platform.Result) string {
	var parts []string
	for _, p := range res.Phases {
		parts = append(parts, fmt.Sprintf("%s %.1f s", p.Name, p.Seconds))
	}
	return fmt.Sprintf("Time: %s; whole %.1f s", strings.Join(parts, ", "), res.Seconds)
}
