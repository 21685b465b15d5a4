package main

import (
	"github.com/pack-cache/pack-cache/lifecycle/confine"
	"github.com/pack-cache/pack-cache/lifecycle/inplace"
	"github.com/pack-cache/pack-cache/lifecycle/sandbox"
)

// onLinux are the engines that work on Linux only.
func onLinux() []engine {
	return []engine{
		{inplace.New(inplace.Config{}), inplace.Child},
		{inplace.NewTakeover(inplace.Config{}), inplace.Child},
		{sandbox.New(sandbox.Config{MemoryDir: "/dev/shm"}), sandbox.Child},
	}
}

// protect keeps other processes of the same user out of this one.
func protect() error { return confine.Protect() }
