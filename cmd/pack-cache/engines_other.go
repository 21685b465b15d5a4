//go:build !linux

package main

import (
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/docker"
)

// engines are all there are: phases run on Linux, and here that is a daemon's.
func engines() []lifecycle.Engine { return []lifecycle.Engine{docker.New(docker.Config{})} }

// child does nothing: no engine starts processes of its own here.
func child() {}

// protect does nothing: nothing of a builder runs on this machine.
func protect() error { return nil }
