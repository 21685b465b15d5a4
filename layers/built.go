package layers

import (
	"archive/tar"
	"cmp"

	"github.com/pack-cache/pack-cache/layers/archive"
)

// Built is where the layers of a build are, and what their archives say of them.
type Built struct {
	// LayersDir is the layers directory, StateDir the one that RestoreOptions
	// named, or "".
	LayersDir, StateDir string
	// ArchivePrefix is the absolute path that the layers directory has in the
	// names of archive entries. "" is LayersDir itself.
	ArchivePrefix string
	// UID and GID become the owner of every archive entry.
	UID, GID int
	// Parent, if not nil, edits what the archives of launch layers say of the
	// directories above them: mode and owner.
	Parent func(*tar.Header)
}

// form is that of the archive of the layer in a directory.
func (b Built) form(dir string, normalized bool) archive.Form {
	return archive.Form{
		LayersDir: b.LayersDir, Prefix: cmp.Or(b.ArchivePrefix, b.LayersDir), Dir: dir,
		Normalized: normalized, UID: b.UID, GID: b.GID, Parent: b.Parent,
	}
}
