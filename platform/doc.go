// Package platform is the main flow of a build. In the specification's words,
// pack-cache is a platform: it resolves the images, judges the builder, opens a
// place to build in and runs the phases in their order.
//
// What it is not for: flags and output (package cmd/pack-cache/cli), what a phase
// does (package lifecycle/phases), and how a phase is run (the engines).
package platform
