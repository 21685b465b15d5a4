// Package layers keeps buildpack layers between builds.
//
// A snapshot is one saved state of a cache. In every store it is the same OCI
// content: an image manifest, a config that carries the lifecycle's label
// io.buildpacks.lifecycle.cache.metadata and the target, and one blob per
// layer; a snapshot in a registry is a cache image that the stock lifecycle
// reads and writes.
//
// What this package is not for: where a phase runs (package lifecycle), and
// credentials (package trust). It knows no engine.
package layers
