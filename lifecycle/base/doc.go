// Package base is what the places of all engines have in common: who is in a
// place, how it ends, how its errors are named, and what is imported and exported.
//
// What this package is not for: running phases, which each engine does its own
// way, and processes on this machine (package confine).
package base
