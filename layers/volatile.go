package layers

import (
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/layers/blob"
)

// volatileAnnotation marks the blob of a layer that had other content in the
// snapshot before: it will change again.
const volatileAnnotation = "com.github.pack-cache.volatile"

// mayReuseFrames reports whether a save may find use for the frames of a blob.
func mayReuseFrames(content v1.Descriptor) bool {
	return content.Annotations[volatileAnnotation] != "" && blob.CodecOf(content) == blob.Zstd
}
