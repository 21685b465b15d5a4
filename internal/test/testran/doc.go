// Package testran keeps docs/compatibility.md, which says what was run against
// what: with which version, what was done, and by which test.
//
// A test that runs a program or library of somebody else says so with Against.
// When it has passed, its row must be on the page. `make compatibility` writes the
// page from the rows of a test run; a test of this package holds that the tests
// that the page names exist and that versions of Go modules are the pinned ones.
package testran
