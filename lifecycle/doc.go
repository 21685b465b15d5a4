// Package lifecycle describes the phases of a Cloud Native Buildpacks build as
// data and says what an engine must do to run them.
//
// A Phase is a value that can be printed, compared and golden-tested; it never
// holds a secret. Detect and build are the builder's own executables; analyze,
// restore and export are run by pack-cache itself (package phases). An Engine
// gives a phase a place to run; the engines live in the sub-packages.
//
// What this package is not for: how a cache is kept (package layers), whom to
// trust (package trust), and the order of a build (package platform).
package lifecycle
