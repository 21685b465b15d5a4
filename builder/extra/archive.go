package extra

import (
	"archive/tar"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/pack-cache/pack-cache/builder"
	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/internal/hint"
)

// archive adds the buildpack in a tar archive, compressed with gzip or not: its
// files, or a buildpackage as an OCI layout (.cnb).
func (r *resolver) archive(ctx context.Context, content *io.SectionReader) (builder.Ref, error) {
	magic := make([]byte, 2)
	if _, err := content.ReadAt(magic, 0); err == nil && string(magic) == "\x1f\x8b" {
		plain, err := r.decompress(content)
		if err != nil {
			return builder.Ref{}, err
		}
		content = plain
	}
	files, err := index(ctx, content)
	if err != nil {
		return builder.Ref{}, err
	}
	if _, ok := files[layoutFile]; ok {
		return r.layout(files)
	}
	descriptor, err := files.open(r.of.file)
	if errors.Is(err, fs.ErrNotExist) {
		return builder.Ref{}, r.noDescriptor(func(name string) bool { return files[name] != nil })
	}
	if err != nil {
		return builder.Ref{}, err
	}
	raw, err := readMetadata(r.of.file, descriptor)
	if err != nil {
		return builder.Ref{}, err
	}
	return r.addTree(entries(ctx, content), raw)
}

// decompress unpacks a gzip stream into a file, because the archive in it is
// read more than once.
func (r *resolver) decompress(content *io.SectionReader) (*io.SectionReader, error) {
	plain, err := gzip.NewReader(io.NewSectionReader(content, 0, content.Size()))
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	bound, err := bounds.NewArchive(content.Size(), -1, os.TempDir())
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	kept, err := r.spool.keep(bound.Reader(plain))
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	return kept, nil
}

// entries gives what is in an archive.
func entries(ctx context.Context, content *io.SectionReader) source {
	return func(visit func(*tar.Header, io.Reader) error) error {
		archive := tar.NewReader(io.NewSectionReader(content, 0, content.Size()))
		for {
			header, err := next(ctx, archive)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if err := visit(header, archive); err != nil {
				return err
			}
		}
	}
}

// next reads the header of the next entry. What is wrong with names is found by
// whoever uses them.
func next(ctx context.Context, archive *tar.Reader) (*tar.Header, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	header, err := archive.Next()
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, tar.ErrInsecurePath) {
		return nil, hint.Errorf("it has to be a tar archive, compressed with gzip or not", "read archive: %w", err)
	}
	if errors.Is(err, tar.ErrInsecurePath) {
		err = nil
	}
	return header, err
}

// tarFiles are the regular files of an archive by their clean names, relative to
// its root whether or not they begin with a slash.
type tarFiles map[string]*io.SectionReader

// index finds the files of an archive without reading them.
func index(ctx context.Context, content *io.SectionReader) (tarFiles, error) {
	at := io.NewSectionReader(content, 0, content.Size())
	files := tarFiles{}
	for archive := tar.NewReader(at); ; {
		header, err := next(ctx, archive)
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		// A tar reader reads no further than to the end of the header.
		begin, err := at.Seek(0, io.SeekCurrent)
		if err = cmp.Or(err, tooMany(len(files))); err != nil {
			return nil, err
		}
		files[strings.TrimPrefix(path.Clean("/"+header.Name), "/")] = io.NewSectionReader(content, begin, header.Size)
	}
}

func tooMany(files int) error {
	if files > bounds.MaxEntries {
		return errors.New("the archive has too many files")
	}
	return nil
}

// open implements layoutFiles.
func (f tarFiles) open(name string) (io.ReadCloser, error) {
	file, ok := f[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return io.NopCloser(io.NewSectionReader(file, 0, file.Size())), nil
}
