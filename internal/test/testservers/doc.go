// Package testservers starts real servers of other projects on loopback, for
// tests and for nothing else: object stores, registries, cache services. It also
// has programs that tests run, such as pack and buildpacks of Paketo.
//
// Each server is a tool with a directory here, which pins it: a Go module of its
// own, so that what the server needs does not become part of the product's
// go.mod, or a package-lock.json of npm. `make test-servers` builds all of them
// into the user's cache directory, where they stay until their pins change. A
// test whose server has not been built is skipped; in CI it fails.
//
// A new server is a directory, a line in Tools, and a file with the function
// that starts it.
package testservers
