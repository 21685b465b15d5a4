// Package docker is the engine that runs phases in containers of a Docker
// daemon, or of Podman's service with the same API (1.41 and later).
//
// The daemon may be on another machine: everything goes through its API and
// nothing is shared with it, with one exception: Mount.Host is a path on the
// machine of the daemon, as it is for docker run --volume. The network of
// lifecycle.NetworkHost and the resolver files are that machine's, too.
//
// What a place is made of:
//
//   - one volume for each of the place's, and one with the engine's programs;
//   - the attendant, a container of pack-cache's own image that fills and reads
//     the volumes: archives are unpacked by package volume and not by the daemon,
//     so that they mean the same on every one;
//   - one container for each phase. Package inside has its first process, which
//     gets the phase by way of its standard input. So neither the phase's
//     environment nor a grant is in the container's configuration, where every
//     user of the daemon could read it, or in the daemon's logs.
//
// Own phases run in the own image: the static program, the certificates that
// the caller's machine trusts, and nothing else. What they mount of the builder
// is a copy in which nothing is executable.
//
// All of it carries the label Label and goes with Close; what a lost pack-cache
// left goes with the first Open a day later. Two kinds of images stay in the
// daemon, because they serve the next build: pack-cache.local/own, and
// pack-cache.local/builder for builders that the daemon did not have. Those that
// no build has used for a month go when another one is made.
//
// What this package is not for: registries. The engine never sees a credential;
// the builder's layers come from PlaceSpec.Builder.
package docker
