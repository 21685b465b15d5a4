package inplace

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/pack-cache/pack-cache/internal/removal"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// everybodys are directories that all programs of a container write to.
var everybodys = []string{tempDir, "/dev/shm"}

// scratch is such a directory that phases may use, because nothing is in it that
// they could read.
type scratch struct {
	dir    string
	before map[string]bool // what is not a phase's
}

// openScratch returns the directory if phases of u may use it, or what is in its
// way.
func openScratch(dir string, u lifecycle.User) (*scratch, []string) {
	entries, err := os.ReadDir(dir)
	if err != nil || writable(dir) != nil {
		return nil, nil
	}
	s := &scratch{dir: dir, before: map[string]bool{}}
	self, _ := os.Executable()
	var inTheWay []string
	for _, entry := range entries {
		s.before[entry.Name()] = true
		path := filepath.Join(dir, entry.Name())
		info, err := entry.Info()
		switch {
		case err != nil, path == self, strings.HasPrefix(entry.Name(), "hsperfdata_"), strings.HasPrefix(entry.Name(), "pack-cache-"):
		case permits(info, u, 0o4), info.IsDir() && permits(info, u, 0o1):
			inTheWay = append(inTheWay, path)
		}
	}
	if len(inTheWay) > 0 {
		return nil, inTheWay
	}
	return s, nil
}

// clean removes what phases of u have left.
func (s *scratch) clean(u lifecycle.User) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err == nil && !s.before[entry.Name()] && ownerOf(info).UID == u.UID {
			_ = removal.Path(filepath.Join(s.dir, entry.Name())) // what stays is the container's to throw away
		}
	}
}
