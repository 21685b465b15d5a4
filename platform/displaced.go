package platform

import (
	"path/filepath"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// displaced is where a file of this machine is while a place is open.
func displaced(place lifecycle.Place, path string) string {
	full, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	for dir, now := range place.Facts().Moved {
		if below, err := filepath.Rel(dir, full); err == nil && filepath.IsLocal(below) {
			return filepath.Join(now, below)
		}
	}
	return path
}

// checkDisplaced fails if something that is read or written during the build
// would be moved out of the way of the build itself.
func (r *resolved) checkDisplaced(place lifecycle.Place) error {
	paths := []string{r.Output.Path, r.SBOMDir, r.ReportDir}
	for _, at := range r.locations() {
		paths = append(paths, at.Facts().Dir)
	}
	for _, path := range paths {
		full, err := filepath.Abs(path)
		if path == "" || err != nil {
			continue
		}
		if displaced(place, full) != full {
			return hint.Usagef("choose another directory for it; engine "+r.traits.Name+" has no other place for the application",
				"%s is in %s, where the application itself is built", path, lifecycle.AppDir)
		}
	}
	return nil
}
