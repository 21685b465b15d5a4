package extra

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pack-cache/pack-cache/builder"
	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/special"
	"github.com/pack-cache/pack-cache/internal/userfile"
)

// local adds the buildpack at a path: a directory or an archive.
func (r *resolver) local(ctx context.Context, path string) (builder.Ref, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return builder.Ref{}, err
	case info.IsDir():
		return r.directory(ctx, path)
	case !info.Mode().IsRegular():
		return builder.Ref{}, errors.New("it is neither a directory nor a file")
	}
	file, err := r.spool.open(path)
	if err != nil {
		return builder.Ref{}, err
	}
	return r.archive(ctx, io.NewSectionReader(file, 0, info.Size()))
}

// directory adds the buildpack in a directory.
func (r *resolver) directory(ctx context.Context, path string) (builder.Ref, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return builder.Ref{}, err
	}
	defer root.Close()
	if _, err := root.Stat(layoutFile); err == nil {
		return r.layout(dirFiles(path))
	}
	content, err := readSmall(root, r.of.file)
	if errors.Is(err, fs.ErrNotExist) {
		return builder.Ref{}, r.noDescriptor(func(name string) bool { _, err := root.Stat(name); return err == nil })
	}
	if err != nil {
		return builder.Ref{}, err
	}
	var left special.LeftOut
	ref, err := r.addTree(walk(ctx, root, &left), content)
	if left.String() != "" {
		r.progress.Info(fmt.Sprintf("Left out of %s %s: %s", r.of.word, path, &left))
	}
	return ref, err
}

// noDescriptor says that there is not what is looked for, and what there is
// instead.
func (r *resolver) noDescriptor(has func(name string) bool) error {
	switch {
	case r.of.word == buildpacks.word && has(extensions.file):
		return hint.Errorf("name it with --extension", "it is an image extension")
	case r.of.word == extensions.word && has(buildpacks.file):
		return hint.Errorf("name it with --buildpack", "it is a buildpack")
	}
	return hint.Errorf("name the directory that has "+r.of.file+" in it, or an archive of what is in that directory",
		"it has no %s at its top", r.of.file)
}

// readSmall reads a file of a directory.
func readSmall(root *os.Root, name string) ([]byte, error) {
	file, err := userfile.OpenIn(root, name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readMetadata(name, file)
}

// readMetadata reads what is held in memory: descriptors, and the manifests and
// configs of images.
func readMetadata(name string, r io.Reader) ([]byte, error) {
	content, err := bounds.Read(r)
	if errors.Is(err, bounds.ErrExceeded) {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return content, err
}

// walk gives the files of a directory, except special ones, in the order of their
// names.
func walk(ctx context.Context, root *os.Root, left *special.LeftOut) source {
	return func(visit func(*tar.Header, io.Reader) error) error {
		return fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
			if err = cmp.Or(err, ctx.Err()); err != nil {
				return err
			}
			info, err := entry.Info()
			if err != nil {
				return err
			}
			if left.Skip(name, info.Mode()) {
				return nil
			}
			var link string
			if info.Mode()&fs.ModeSymlink != 0 {
				if link, err = root.Readlink(name); err != nil {
					return err
				}
				link = filepath.ToSlash(link)
			}
			header, err := tar.FileInfoHeader(info, link)
			if err != nil {
				return err
			}
			header.Name = name
			if !info.Mode().IsRegular() {
				return visit(header, bytes.NewReader(nil))
			}
			file, err := userfile.OpenIn(root, name)
			if err != nil {
				return err
			}
			defer file.Close()
			return visit(header, file)
		})
	}
}
