// Package layers keeps buildpack layers between builds.
//
// A snapshot is one saved state of a cache. In every store it is the same OCI
// content: an image manifest, a config that carries the lifecycle's label
// io.buildpacks.lifecycle.cache.metadata and the target, and one blob per
// layer; a snapshot in a registry is a cache image that the stock lifecycle
// reads and writes. Load reads one, Snapshot.Restore brings a layer back, Save
// writes the next one.
//
// A layer is a tar archive (package archive) in a blob (package blob). Its diffID is
// the sha256 of the archive; whether a layer is the same is decided by diffID alone,
// never by the compressed bytes.
//
// After a restore, and if there is a directory for it, the fingerprint of the layer is
// kept for the save that follows, so that a layer that has not changed is not read.
//
// What this package is not for: where a phase runs (package lifecycle), and
// credentials (package trust). It knows no engine. Stores are packages below it.
package layers
