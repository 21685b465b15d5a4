// Command benchmarks measures warm builds on machines that have never built
// before: pack-cache against the stock lifecycle's creator, with the same
// engine, builder, registry and applications, in turns.
//
// Every run is a machine of its own: an empty HOME and an empty temporary
// directory on a file system made for it. What travels goes through a link that
// counts it and, if asked to, is as slow as a real one.
//
//	benchmarks [-samples go,java,npm] [-links loopback,1gbit] [-rounds 5] [-results FILE]
//	benchmarks report -results FILE -page docs/performance.md
//
// What it is not for: deciding whether a test passes. Figures are compared
// within one run of this program, never with a limit in seconds.
package main
