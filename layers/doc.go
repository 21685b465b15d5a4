// Package layers keeps buildpack layers between builds.
//
// A snapshot is one saved state of a cache. In every store it is the same OCI
// content: an image manifest, a config that carries the lifecycle's label
// io.buildpacks.lifecycle.cache.metadata and the target, and one blob per
// layer; a snapshot in a registry is a cache image that the stock lifecycle
// reads and writes. Load reads one, Snapshot.Restore brings a layer back, Save
// writes the next one.
//
// # Archives
//
// A layer is a tar archive with the names that it has in the build
// ("/layers/ID/NAME/..."), the directories above it first. Its diffID is the
// sha256 of the archive; whether a layer is the same is decided by diffID
// alone, never by the compressed bytes.
//
// A launch layer is archived byte for byte as the lifecycle does it, because its
// diffID must be that of the layer in the app image: every modification time is
// 1980-01-01T00:00:01Z. A layer that is only cached keeps its times to the
// nanosecond; what is above it is described in the same way always, with the
// time 0, so that equal layers have equal archives on any machine. A restore
// applies the times that are in the archive, those of the lifecycle too.
//
// Hard links are archived as files of their own, and extended attributes are
// not kept: the lifecycle does neither, and would not read it. Owners are
// written, for the lifecycle, and not applied.
//
// New blobs are zstd or gzip in independent frames of 1 MiB, which are one
// stream to any reader, or eStargz.
//
// # What changed
//
// After a restore, and if there is a directory for it, the fingerprint of the
// layer is kept: path, size, mode, times, inode and link count of every entry,
// and evidence of every file's content, a keyed checksum that is taken while the
// file is read for the diffID. A layer whose entries are all the same is not read. An
// entry is read again if its times or inode moved, or if it was last changed
// within the clock tick in which the fingerprint was taken. A layer in which
// only times moved is not new.
//
// What this package is not for: where a phase runs (package lifecycle), and
// credentials (package trust). It knows no engine.
package layers
