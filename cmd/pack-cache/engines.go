package main

import (
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/docker"
	"github.com/pack-cache/pack-cache/lifecycle/docker/inside"
)

// engine is an engine, and what does the work of its own processes, which does not
// return in such a process.
type engine struct {
	lifecycle.Engine
	child func()
}

// all are the engines there are, in the order in which --engine auto tries them.
// Those that work on Linux only come first.
func all() []engine {
	return append(onLinux(),
		engine{docker.New(docker.Config{}), inside.Child},
	)
}

// engines are what --engine can choose from.
func engines() []lifecycle.Engine {
	var list []lifecycle.Engine
	for _, one := range all() {
		list = append(list, one.Engine)
	}
	return list
}

// child does the work of the engines' own processes.
func child() {
	for _, one := range all() {
		one.child()
	}
}
