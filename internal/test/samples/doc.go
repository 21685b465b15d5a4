// Package samples makes the builders and run images that the demo, the
// acceptance tests and the benchmarks share.
//
// No image registry is asked for anything and no container is run. A builder is
// put together here, layer by layer, from Debian packages (package debian), the
// stock lifecycle compiled from its Go module, the buildpacks below buildpacks/,
// and the files and labels that `pack builder create` would write. Everything
// is kept in a cache directory, so the second time takes a second, and the same
// inputs give the same digests.
//
// What it is not for: production. Nothing here is part of the pack-cache binary.
package samples
