// Package unpack fetches the layers of a builder image and unpacks them into a
// store on disk that several builds and processes share.
//
// Content is addressed by the sha256 of the uncompressed layer: a directory is
// filled under a temporary name while its stream is hashed, and gets its own
// name only when both the digest of the blob and the diffID match. Two forms
// exist. Layers keeps every layer by itself, whiteouts written the way overlayfs
// reads them; Flat keeps one merged tree, for places where overlayfs cannot be
// used.
//
// Nothing in an archive can reach outside its directory: every path is walked
// one component at a time from an open directory, and symbolic links are
// resolved against the image's own root.
//
// What this package is not for: cached buildpack layers (package layers), and
// what the image says about itself (package builder). It writes no layer and
// mounts nothing.
package unpack
