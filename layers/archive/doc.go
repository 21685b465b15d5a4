// Package archive makes archives of trees of files, trees of archives, and finds out
// whether a tree has changed.
//
// # Archives
//
// A layer is a tar archive with the names that it has in the build
// ("/layers/ID/NAME/..."), the directories above it first.
//
// A launch layer is archived byte for byte as the lifecycle does it, because its
// diffID must be that of the layer in the app image: every modification time is
// 1980-01-01T00:00:01Z. A layer that is only cached keeps its times to the
// nanosecond; what is above it is described in the same way always, with the
// time 0, so that equal layers have equal archives on any machine. Unpacking
// applies the times that are in the archive, those of the lifecycle too.
//
// Hard links are archived as files of their own, and extended attributes are
// not kept: the lifecycle does neither, and would not read it. Owners are
// written, for the lifecycle, and not applied.
//
// # What changed
//
// A Fingerprint is what a tree looked like when it was unpacked: path, size, mode,
// times, inode and link count of every entry, and evidence of every file's content, a
// keyed checksum that is taken while the file is made. A tree whose entries are all the
// same is not read. An entry is read again if its times or inode moved, or if it was
// last changed within the clock tick in which the fingerprint was taken. A tree in which
// only times moved has not changed.
//
// What this package is not for: how archives are compressed and carried (package
// blob), and which of them make a snapshot (package layers). It knows no store and no
// snapshot.
package archive
