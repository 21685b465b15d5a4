package main

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// maxRead is how much of a file a scan looks at.
const maxRead = 4 << 20

// file looks into a file.
func (s *scanner) file(path string) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer f.Close()
	// Pipes and terminals would keep the scan waiting.
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return
	}
	data, _ := io.ReadAll(io.LimitReader(f, maxRead))
	s.look(path, data)
}

// allFiles reads every file that there is: container engines, clusters, clouds
// and tools keep their secrets in many places, and this takes in all of them.
func (s *scanner) allFiles() {
	tops := s.orders.Places
	if len(tops) == 0 {
		tops = []string{"/"}
	}
	for _, top := range append(tops, s.victim.dir) {
		s.files(top)
	}
}

// files reads every file below a directory, but for those of the kernel.
func (s *scanner) files(top string) {
	_ = filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if entry.IsDir() {
			if slices.Contains([]string{"/proc", "/sys", "/dev/pts"}, path) {
				return filepath.SkipDir
			}
			return nil
		}
		s.look(path+" (name)", []byte(path))
		switch entry.Type() {
		case 0:
			s.file(path)
		case fs.ModeSymlink:
			if target, err := os.Readlink(path); err == nil {
				s.look(path, []byte(target))
				s.file(path)
			}
		case fs.ModeSocket:
			s.seen = append(s.seen, path)
		}
		return nil
	})
}
