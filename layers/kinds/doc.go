// Package kinds is the list of the kinds of caches: where a cache can be kept, and
// how that is written.
//
// A kind is a struct whose tags describe its attributes (package attrs), and a
// function that opens the store. Parsing, help and docs/caches.md come from the
// same structs, and so does what a phase makes of a location.
//
// What it is not for: keeping a cache (the stores, beside this package), the flags
// that name caches (the command line), and checking that references fit each other
// (package platform).
package kinds
