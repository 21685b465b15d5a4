package testran

import (
	"cmp"
	"slices"
	"strings"
)

// Row says that one thing was run against another. No field may have a "|" or
// span lines.
type Row struct {
	// Subject is what of pack-cache was run, and the heading on the page, such as
	// "Caches in registries".
	Subject string
	// Peer is the program or library of somebody else, such as "olareg".
	Peer string
	// Version is the peer's, as Module, Dependency or Program returns it.
	Version string
	// Done is what was done, in a few words.
	Done string
	// By is the make target that runs it where CI does not; "" is CI.
	By string
	// Test is the test that did it, as DIRECTORY.TEST; Against fills it in.
	Test string
}

// compare sorts rows as they are on the page.
func compare(a, b Row) int {
	return cmp.Or(strings.Compare(a.Subject, b.Subject), strings.Compare(a.Peer, b.Peer), strings.Compare(a.Version, b.Version),
		strings.Compare(a.Done, b.Done), strings.Compare(a.By, b.By), strings.Compare(a.Test, b.Test))
}

// TestFunction is the test without its subtests, as DIRECTORY.TEST.
func (r Row) TestFunction() string {
	function, _, _ := strings.Cut(strings.TrimPrefix(r.Test, r.Directory()), "/")
	return r.Directory() + function
}

// Directory is where the test is, below the source of pack-cache. It has no dot.
func (r Row) Directory() string {
	dir, _, _ := strings.Cut(r.Test, ".")
	return dir
}

// Merge puts the rows of a test run in the place of those that its tests have on
// the page by the same make target. Rows of tests for which exists says no are
// left out.
func Merge(page, ran []Row, exists func(Row) bool) []Row {
	again := map[string]bool{}
	for _, r := range ran {
		again[r.TestFunction()+" "+r.By] = true
	}
	all := slices.DeleteFunc(slices.Clone(page), func(r Row) bool { return again[r.TestFunction()+" "+r.By] || !exists(r) })
	all = append(all, ran...)
	slices.SortFunc(all, compare)
	return slices.Compact(all)
}
