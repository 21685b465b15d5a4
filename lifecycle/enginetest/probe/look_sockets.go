package main

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// sockets connects to every Unix socket that has a path: those that were seen
// among the files, and those that the kernel names.
func (s *scanner) sockets() {
	paths := append(slices.Clone(s.seen), filepath.Join(s.victim.dir, "socket"))
	for _, name := range namedSockets() {
		if !strings.HasPrefix(name, "@") {
			paths = append(paths, name)
		}
	}
	slices.Sort(paths)
	for _, path := range slices.Compact(paths) {
		s.socket(path, strings.HasPrefix(path, s.victim.dir))
	}
}

// abstractSockets connects to those that have a name in the network.
func (s *scanner) abstractSockets() {
	own := "@pack-cache-victim-" + filepath.Base(s.victim.dir)
	for _, name := range append(namedSockets(), own) {
		// One of an attack that has just ended may be there for a moment more.
		passing := s.victim.pid == 0 && strings.HasPrefix(name, "@pack-cache-victim-victim-")
		if strings.HasPrefix(name, "@") && !passing {
			s.socket(name, name == own)
		}
	}
}

// namedSockets are the names of all Unix sockets of this network.
func namedSockets() []string {
	data, _ := os.ReadFile("/proc/net/unix")
	var names []string
	for line := range strings.Lines(string(data)) {
		if fields := strings.Fields(line); len(fields) == 8 {
			names = append(names, fields[7])
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (s *scanner) socket(address string, own bool) {
	patience := 500 * time.Millisecond
	if own {
		patience = time.Minute // the victim speaks and hangs up, on a slow machine late
	}
	conn, err := net.DialTimeout("unix", address, patience)
	if own {
		s.tellUnlessNil(err)
	}
	if err != nil {
		return
	}
	defer conn.Close()
	if !own {
		s.found(address, "a socket of others")
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	data, _ := io.ReadAll(io.LimitReader(conn, maxRead))
	s.look(address, data)
}
