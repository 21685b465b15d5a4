package main

import (
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
	"github.com/pack-cache/pack-cache/lifecycle/docker"
	"github.com/pack-cache/pack-cache/lifecycle/docker/inside"
	"github.com/pack-cache/pack-cache/lifecycle/inplace"
	"github.com/pack-cache/pack-cache/lifecycle/sandbox"
)

// engines are all there are, in the order in which --engine auto tries them.
func engines() []lifecycle.Engine {
	return []lifecycle.Engine{
		inplace.New(inplace.Config{}),
		inplace.NewTakeover(inplace.Config{}),
		sandbox.New(sandbox.Config{MemoryDir: "/dev/shm"}),
		docker.New(docker.Config{}),
	}
}

// child does the work of the engines' own processes.
func child() {
	sandbox.Child()
	inplace.Child()
	inside.Child()
}

// protect keeps other processes of the same user out of this one.
func protect() error { return confine.Protect() }
