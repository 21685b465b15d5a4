// Package blob reads and writes the compressed bytes of layers.
//
// Open reads a blob from its beginning to its end: through as many connections as
// help, past transfers that break off, and verified against its digest. A Feed decodes
// it, whatever it is compressed with, and hands out blocks of memory that travel on
// without a copy.
//
// A Press compresses an archive with all cores, into zstd or gzip in independent frames
// of 1 MiB, which are one stream to any reader, or into eStargz. A FrameKeeper keeps
// frames on their way in, so that what has not changed is not compressed again.
//
// What this package is not for: where blobs are (package layers: it is given a Source),
// and what the archives in them mean (package archive). It knows no store and no
// snapshot.
package blob
