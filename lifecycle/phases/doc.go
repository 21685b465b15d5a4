// Package phases holds the phases that pack-cache runs itself: analyze, restore
// and export. They use the lifecycle's own Go packages for everything that the
// CNB Platform specification defines, and package layers for cache data.
//
// A phase runs as a process of its own in an own root (lifecycle.OwnRoot),
// where there is nothing of the builder but, for export, its launcher. Call starts one
// and Serve is what runs inside; between them, one JSON value a line travels on
// the phase's standard input and output: the request with its grant goes in,
// the output comes out. Before that, questions may come out, to which answers go
// in: the wish for a renewed grant, for the keys to a store, and what a phase
// wants of a store that it borrows. What the phase has to say to people goes to its standard error.
package phases
