package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// trusted are directories from which phases of others execute or read, or
// may one day.
var trusted = []string{
	"/", "/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/lib", "/lib64", "/usr/lib", "/usr/local/lib",
	"/etc", "/etc/ssl", "/etc/ssl/certs", "/etc/ld.so.conf.d", "/etc/profile.d", "/etc/pki", "/cnb", "/cnb/lifecycle",
	"/cnb/buildpacks", "/cnb/image", "/opt", "/var", "/var/lib", "/var/tmp", "/run", "/root", "/home", "/platform",
	"/platform/env", "/state", "/.pack-cache", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
}

// own are what phases have to write to, and find again.
var own = []string{"/layers", "/workspace", "/tmp", "/dev/shm"}

const plant = ".attack-plant-"

// plants leaves a file in each directory from which another phase could execute
// or read, and looks for those that a phase before has left.
func (s *scanner) plants() {
	dirs := slices.Clone(s.orders.Places)
	if len(dirs) == 0 || slices.Contains(dirs, "/") {
		dirs = slices.Concat(dirs, trusted, filepath.SplitList(os.Getenv("PATH")))
	}
	for _, dir := range dirs {
		if slices.ContainsFunc(append(own, s.orders.Shared...), func(o string) bool { return dir == o || strings.HasPrefix(dir, o+"/") }) {
			continue
		}
		s.look(dir, nil)
		for _, phase := range []string{"detect", "build", "export"} {
			if _, err := os.Lstat(filepath.Join(dir, plant+phase)); err == nil && phase != s.report.Phase {
				s.found(dir, "what phase "+phase+" has written is there")
			}
		}
		s.plant(dir)
	}
	s.plant(s.victim.dir)
	_, err := os.Lstat(filepath.Join(s.victim.dir, plant+s.report.Phase))
	s.tell(err)
}

func (s *scanner) plant(dir string) {
	// That it cannot be written is what is hoped for.
	_ = os.WriteFile(filepath.Join(dir, plant+s.report.Phase), []byte("planted"), 0o755)
}
