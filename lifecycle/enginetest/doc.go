// Package enginetest checks that an engine keeps the contract of package
// lifecycle: that of Engine, Place and Phase, line by line.
//
// The phases it runs are a program of its own, package probe, which it compiles
// and plants in a builder image made for the purpose. An engine that also needs
// a program for own phases is given the same one (Program).
//
// What it is not for: how an engine does it, and how fast. That is tested beside
// the engine.
package enginetest
