// Package gha keeps snapshots in the cache service of GitHub Actions, version 1
// (REST; also GitHub Enterprise Server, act, Gitea and Forgejo) and version 2
// (twirp, with signed URLs of Azure Blob Storage).
//
// # What is where
//
// The service keeps entries: a key, and content that never changes. A name of a
// snapshot is a prefix of keys, and the newest entry with that prefix is what it
// stands for. Such an entry is whole in itself: the manifest, where each blob
// lies, and all small blobs (head.go). So a snapshot is known after one look-up
// and one read, and a save of many small layers makes one entry, which counts
// where 200 entries a minute are the limit of a repository.
//
// A larger blob is an entry of its own, with its digest in the key, which makes
// it the same entry for all names of a repository. Only a blob that is streamed,
// because neither its digest nor its end is known when its upload begins, has a
// random key; the entries of snapshots say where it is.
//
// The key of a snapshot's entry is made of what it follows on (keys.go), and the
// service gives a key once. So of two builds that save at the same time, one
// meets a conflict. The entry is written last: a crash leaves the old snapshot.
// Entries that the service evicts, least recently used first, are misses of
// single layers.
//
// Which branches see an entry is the service's affair: those of the run's own
// ref come first, then those of its base, then of the default branch.
//
// # Why a client of its own
//
// github.com/tonistiigi/go-actions-cache knows the same protocols. It wants the
// size and an io.ReaderAt of a blob before an upload begins, so every layer would
// have to be on disk first; it reads from an offset to the end, not to a limit; it
// drops the service's words of a refusal, by which "cache write denied:" is told
// from a key that is taken; and its errors carry signed URLs, which are as good as
// a password. To version 2 it uploads blocks of 1 MiB, one after the other: 128
// MiB took it 2.9 to 4.0 s where each request to the storage took 20 ms longer,
// and this package 0.3 to 0.9 s. What is left is little code, and needs no SDK.
//
// What it is not for: finding the variables of a workflow run (package caches),
// and verifying what was downloaded (package layers).
package gha
