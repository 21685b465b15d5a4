// Package testprocess runs the programs that tests need: servers that end with the
// test's process, and commands that are to be run once.
//
// What it is not for: what a server is and when it answers (packages testregistry,
// testservers and testdocker).
package testprocess
