package main

import (
	"net"

	"github.com/pack-cache/pack-cache/lifecycle/enginetest/report"
)

// dial connects to each address, given as network and address by turns, after a
// look at whether this network's own loopback works.
func dial(args []string) []report.Step {
	steps := []report.Step{try(loopback)}
	for i := 0; i+1 < len(args); i += 2 {
		steps = append(steps, try(func() error {
			conn, err := net.Dial(args[i], args[i+1])
			if err != nil {
				return err
			}
			return conn.Close()
		}))
	}
	return steps
}

func try(f func() error) (step report.Step) {
	if err := f(); err != nil {
		step.Err = err.Error()
	}
	return step
}

func loopback() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		return err
	}
	return conn.Close()
}
