//go:build !linux

package main

// onLinux are the engines that work on Linux only: here there are none.
func onLinux() []engine { return nil }

// protect does nothing: nothing of a builder runs on this machine.
func protect() error { return nil }
