package volume

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/pack-cache/pack-cache/internal/removal"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// importer unpacks a tar stream into a volume.
type importer struct {
	root *os.Root
	user lifecycle.User
	// dirs are the directories of the archive. Their mode and time are set at
	// the end: a mode may forbid to fill them, and filling changes the time.
	dirs []*tar.Header
}

// Import unpacks a tar stream into the volume at dir. Whatever an entry's name
// or link says, nothing outside is touched, and everything becomes u's. It reads
// the archive to its end.
func Import(ctx context.Context, dir string, archive io.Reader, u lifecycle.User) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	im := &importer{root: root, user: u}
	entries := tar.NewReader(archive)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			// Whoever writes the stream may still be busy with its padding.
			_, err := io.Copy(io.Discard, archive)
			return errors.Join(err, im.finishDirs())
		}
		if err != nil {
			return err
		}
		if err := im.unpack(header, entries); err != nil {
			return fmt.Errorf("entry %q: %w", header.Name, err)
		}
	}
}

func (im *importer) unpack(header *tar.Header, content io.Reader) error {
	name := filepath.FromSlash(path.Clean(header.Name))
	if !filepath.IsLocal(name) {
		return errors.New("leads out of the volume")
	}
	if name == "." {
		return nil // the volume itself stays as it is
	}
	if err := im.makeParents(filepath.Dir(name)); err != nil {
		return err
	}
	switch header.Typeflag {
	case tar.TypeDir:
		header.Name = name
		im.dirs = append(im.dirs, header)
		return im.makeDir(name)
	case tar.TypeReg, tar.TypeGNUSparse:
		return im.makeFile(name, header, content)
	case tar.TypeSymlink:
		if err := removal.Tree(im.root, name); err != nil {
			return err
		}
		if err := im.root.Symlink(header.Linkname, name); err != nil {
			return err
		}
		return im.root.Lchown(name, im.user.UID, im.user.GID)
	case tar.TypeLink:
		target := filepath.FromSlash(path.Clean(header.Linkname))
		if !filepath.IsLocal(target) {
			return errors.New("links to something out of the volume")
		}
		if target == name {
			return nil
		}
		if err := removal.Tree(im.root, name); err != nil {
			return err
		}
		return im.root.Link(target, name)
	}
	return fmt.Errorf("a volume cannot hold an entry of type %q", header.Typeflag)
}

// makeParents makes the directories that an archive takes for granted.
func (im *importer) makeParents(dir string) error {
	if dir == "." {
		return nil
	}
	if err := im.makeParents(filepath.Dir(dir)); err != nil {
		return err
	}
	if info, err := im.root.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	return im.makeDir(dir)
}

func (im *importer) makeDir(name string) error {
	info, err := im.root.Lstat(name)
	if err == nil && info.IsDir() {
		return nil
	}
	if err == nil {
		if err := im.root.Remove(name); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := im.root.Mkdir(name, 0o755); err != nil {
		return err
	}
	return errors.Join(im.root.Chmod(name, 0o755), im.root.Lchown(name, im.user.UID, im.user.GID))
}

func (im *importer) makeFile(name string, header *tar.Header, content io.Reader) error {
	// Anew, so that a link that is there is not followed.
	if err := removal.Tree(im.root, name); err != nil {
		return err
	}
	file, err := im.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	err = errors.Join(err,
		file.Chown(im.user.UID, im.user.GID),
		file.Chmod(header.FileInfo().Mode().Perm()),
		file.Close())
	if err != nil {
		return err
	}
	return im.root.Chtimes(name, time.Time{}, header.ModTime)
}

// finishDirs gives directories their mode and time, inner ones first.
func (im *importer) finishDirs() error {
	for _, header := range slices.Backward(im.dirs) {
		info, err := im.root.Lstat(header.Name)
		if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
			continue // a later entry took its place
		}
		if err == nil {
			err = im.root.Chtimes(header.Name, time.Time{}, header.ModTime)
		}
		if err == nil {
			err = im.root.Chmod(header.Name, header.FileInfo().Mode().Perm())
		}
		if err != nil {
			return fmt.Errorf("entry %q: %w", header.Name, err)
		}
	}
	return nil
}
