package platform

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pack-cache/pack-cache/internal/progress"
	"github.com/pack-cache/pack-cache/internal/special"
	"github.com/pack-cache/pack-cache/internal/userfile"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// archiver writes the entries of an archive.
type archiver func(context.Context, *tar.Writer) error

// importArchive streams one archive, of what several archivers write, into a
// volume.
func importArchive(ctx context.Context, place lifecycle.Place, volume string, writers ...archiver) error {
	reader, pipe := io.Pipe()
	written := make(chan error, 1)
	go func() {
		archive := tar.NewWriter(pipe)
		var err error
		for _, write := range writers {
			if err = write(ctx, archive); err != nil {
				break
			}
		}
		if err == nil {
			err = archive.Close()
		}
		pipe.CloseWithError(err)
		written <- err
	}()
	err := place.Import(ctx, volume, reader)
	reader.CloseWithError(io.ErrClosedPipe)
	if writeErr := <-written; writeErr != nil && !errors.Is(writeErr, io.ErrClosedPipe) {
		return writeErr
	}
	return err
}

// appArchive holds the application's source, which is a directory or a zip file.
// A line says what was left out because it has no content.
func appArchive(path string, keep func(path string, dir bool) bool, reporter progress.Reporter) archiver {
	write := sourceArchive
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		write = zipArchive
	}
	return func(ctx context.Context, archive *tar.Writer) error {
		var left special.LeftOut
		err := write(path, keep, &left)(ctx, archive)
		if left.String() != "" {
			reporter.Info("Left out of the source: " + left.String())
		}
		return err
	}
}

// sourceArchive holds everything below dir that keep wants, except special files,
// with the modes and times it has there; and the directories above it.
func sourceArchive(dir string, keep func(path string, dir bool) bool, left *special.LeftOut) archiver {
	return func(ctx context.Context, archive *tar.Writer) error {
		dir, err := filepath.EvalSymlinks(dir) // a walk does not follow the first one
		if err != nil {
			return fmt.Errorf("read application source: %w", err)
		}
		var above skipped
		return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			relative, relErr := filepath.Rel(dir, path)
			if relErr != nil {
				return relErr
			}
			found := sourceFile{path, filepath.ToSlash(relative), entry}
			wanted := relative == "." || keep(found.name, entry.IsDir())
			switch {
			case err != nil && wanted:
				return fmt.Errorf("read application source: %w", err)
			case err != nil:
				return fs.SkipDir // a directory that cannot be read
			case relative == ".":
				return nil
			case !wanted:
				above.skip(found)
				return nil
			case left.Skip(found.name, entry.Type()):
				return nil
			}
			for _, parent := range above.parents(found.name) {
				if err := parent.add(archive); err != nil {
					return err
				}
			}
			return found.add(archive)
		})
	}
}

// sourceFile is a file of the source.
type sourceFile struct {
	path, name string
	entry      fs.DirEntry
}

// skipped are directories that were left out, each in the one before it.
type skipped []sourceFile

func (s *skipped) skip(f sourceFile) {
	if f.entry.IsDir() {
		*s = append(s.leave(f.name), f)
	}
}

// leave forgets the directories that are not above name. A walk does not come
// back to them.
func (s skipped) leave(name string) skipped {
	for len(s) > 0 && !strings.HasPrefix(name, s[len(s)-1].name+"/") {
		s = s[:len(s)-1]
	}
	return s
}

// parents returns the directories above name that were left out so far.
func (s *skipped) parents(name string) []sourceFile {
	above := s.leave(name)
	*s = nil
	return above
}

func (f sourceFile) add(archive *tar.Writer) error {
	info, err := f.entry.Info()
	if err != nil {
		return fmt.Errorf("read application source: %w", err)
	}
	var link string
	if info.Mode()&fs.ModeSymlink != 0 {
		if link, err = os.Readlink(f.path); err != nil {
			return fmt.Errorf("read application source: %w", err)
		}
	}
	header, err := tar.FileInfoHeader(info, link)
	if err != nil {
		return fmt.Errorf("read application source: %s: %w", f.path, err)
	}
	header.Name = f.name
	// Other formats round the time of modification to a second.
	header.Format = tar.FormatPAX
	header.AccessTime, header.ChangeTime = time.Time{}, time.Time{}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return nil
	}
	file, err := userfile.OpenRegular(f.path)
	if err != nil {
		return fmt.Errorf("read application source: %w", err)
	}
	defer file.Close()
	if _, err := io.Copy(archive, file); err != nil {
		return fmt.Errorf("read application source: %s: %w", f.path, err)
	}
	return nil
}

// envArchive holds a platform directory: one file per variable below env (CNB
// Platform specification, "Environment").
func envArchive(env map[string]string) archiver {
	return func(_ context.Context, archive *tar.Writer) error {
		if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "env/", Mode: 0o755}); err != nil {
			return err
		}
		for _, key := range slices.Sorted(maps.Keys(env)) {
			value := env[key]
			if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "env/" + key, Mode: 0o644, Size: int64(len(value))}); err != nil {
				return err
			}
			if _, err := io.WriteString(archive, value); err != nil {
				return err
			}
		}
		return nil
	}
}
