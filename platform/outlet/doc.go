// Package outlet delivers app images to where no phase can: to a Docker daemon, to a
// directory with an OCI layout, and to files that other tools load. The main process
// does all of it. So no phase ever sees a daemon's socket or a directory of the user,
// and a daemon on another machine is as good as one on this.
//
// An image is kept whole or not at all: until the last step, what was there
// before is what others find.
//
// What it is not for: registries, which phases publish to themselves, and what
// an app image consists of (package lifecycle/phases).
package outlet
