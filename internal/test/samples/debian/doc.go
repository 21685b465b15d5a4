// Package debian gets Debian packages and their dependencies without
// installing anything and without root: apt resolves and downloads into
// directories of our own, from the sources that the machine is configured with,
// and checks signatures as it always does.
//
// What it is not for: installing. Maintainer scripts are never run.
package debian
