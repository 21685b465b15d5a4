// Package outlet keeps app images that no phase can bring to where they belong:
// in a Docker daemon, in a directory with an OCI layout, and in files that other
// tools load. All of it is done by the main process, so that no phase ever sees
// a daemon's socket or a directory of the user, and a daemon on another machine
// is as good as one on this.
//
// An image is kept whole or not at all: until the last step, what was there
// before is what others find.
//
// What it is not for: registries, which phases publish to themselves, and what
// an app image consists of (package lifecycle/phases).
package outlet
