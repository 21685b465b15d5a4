package layers

import "github.com/pack-cache/pack-cache/layers/blob"

// volatileAnnotation marks the blob of a layer that had other content in the
// snapshot before: it will change again.
const volatileAnnotation = "com.github.pack-cache.volatile"

// mayReuseFrames reports whether a save may find use for the frames of the layer.
func (l Layer) mayReuseFrames() bool {
	return l.whole().Annotations[volatileAnnotation] != "" && l.Codec() == blob.Zstd
}
