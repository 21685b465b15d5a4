package layers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/buildpacks/lifecycle/launch"
	"github.com/buildpacks/lifecycle/platform"

	"github.com/pack-cache/pack-cache/internal/bounds"
)

// MetadataLabel is the label of a cache image's config that holds its
// platform.CacheMetadata as JSON.
const MetadataLabel = "io.buildpacks.lifecycle.cache.metadata"

// parseMetadata reads the label's value. Buildpack IDs and layer names become
// paths, here and in the lifecycle, so one that could leave the layers
// directory makes the whole label unusable.
func parseMetadata(label string) (platform.CacheMetadata, error) {
	var metadata platform.CacheMetadata
	if err := bounds.JSON([]byte(label), &metadata); err != nil {
		return platform.CacheMetadata{}, fmt.Errorf("label %s: %w", MetadataLabel, err)
	}
	if err := checkMetadata(MetadataLabel, metadata); err != nil {
		return platform.CacheMetadata{}, err
	}
	return metadata, nil
}

// checkMetadata refuses names of a label that could leave the layers directory.
func checkMetadata(label string, metadata platform.CacheMetadata) error {
	for _, bp := range metadata.Buildpacks {
		if !isPathElement(launch.EscapeID(bp.ID)) {
			return fmt.Errorf("label %s: buildpack ID %q", label, bp.ID)
		}
		for name := range bp.Layers {
			if !isPathElement(name) {
				return fmt.Errorf("label %s: layer name %q of buildpack %s", label, name, bp.ID)
			}
		}
	}
	return nil
}

// isPathElement reports whether name is exactly one element of a path.
func isPathElement(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\\\x00")
}

// sameMetadata compares what two metadata say in JSON, the only form in which
// they last: numbers that came from TOML equal the same numbers from JSON.
func sameMetadata(a, b platform.CacheMetadata) (bool, error) {
	ja, err := canonicalMetadata(a)
	if err != nil {
		return false, err
	}
	jb, err := canonicalMetadata(b)
	if err != nil {
		return false, err
	}
	return bytes.Equal(ja, jb), nil
}

func canonicalMetadata(metadata platform.CacheMetadata) ([]byte, error) {
	data, err := json.Marshal(metadata)
	if err != nil {
		return nil, fmt.Errorf("cache metadata: %w", err)
	}
	var plain any
	if err := json.Unmarshal(data, &plain); err != nil {
		return nil, fmt.Errorf("cache metadata: %w", err)
	}
	return json.Marshal(plain)
}
