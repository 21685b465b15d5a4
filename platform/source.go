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

	"github.com/pack-cache/pack-cache/internal/hint"
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
		var found oddFiles
		err := write(path, keep, &found)(ctx, archive)
		if found.left.String() != "" {
			reporter.Info("Left out of the source: " + found.left.String())
		}
		if found.opened.String() != "" {
			reporter.Info("Made readable to the build: " + found.opened.String())
		}
		return err
	}
}

// oddFiles are the files of a source that are not copied as they are.
type oddFiles struct {
	left special.LeftOut
	// opened were closed to their owner, who is the build user: neither buildpacks nor
	// the export could read them.
	opened special.List
}

// open lets the owner read a file, and enter a directory.
func (o *oddFiles) open(header *tar.Header) {
	needed := int64(0o400)
	switch header.Typeflag {
	case tar.TypeDir:
		needed = 0o500
	case tar.TypeReg:
	default:
		return
	}
	if header.Mode&needed != needed {
		o.opened.Add(strings.TrimSuffix(header.Name, "/"), fmt.Sprintf("mode %03o", header.Mode&0o777))
		header.Mode |= needed
	}
}

// sourceArchive holds everything below dir that keep wants, except special files,
// with the modes and times it has there; and the directories above it.
func sourceArchive(dir string, keep func(path string, dir bool) bool, odd *oddFiles) archiver {
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
			case err != nil && wanted && !(relative != "." && errors.Is(err, fs.ErrNotExist)):
				return sourceError(found.name, err)
			case err != nil:
				return fs.SkipDir // a directory that cannot be read, or is gone
			case relative == ".":
				return nil
			case !wanted:
				above.skip(found)
				return nil
			case odd.left.Skip(found.name, entry.Type()):
				return nil
			}
			for _, parent := range above.parents(found.name) {
				if err := parent.add(archive, odd); err != nil {
					return err
				}
			}
			return found.add(archive, odd)
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

// vanished is what is said of a file that somebody has removed since it was found.
const vanished = "removed while the source was read"

// add adds the file to the archive, unless it is gone meanwhile.
func (f sourceFile) add(archive *tar.Writer, odd *oddFiles) error {
	header, content, err := f.read()
	if errors.Is(err, fs.ErrNotExist) {
		odd.left.Add(f.name, vanished)
		return nil
	}
	if err != nil {
		return sourceError(f.name, err)
	}
	if content != nil {
		defer content.Close()
	}
	odd.open(header)
	if err := archive.WriteHeader(header); err != nil || content == nil {
		return err
	}
	switch n, err := io.Copy(archive, content); {
	case errors.Is(err, tar.ErrWriteTooLong) || err == nil && n < header.Size:
		return sourceError(f.name, errChanged)
	case err != nil:
		return fmt.Errorf("read application source: %s: %w", f.path, err)
	}
	return nil
}

// read returns what the archive has of the file; the content is nil if it has none.
func (f sourceFile) read() (*tar.Header, *os.File, error) {
	info, err := f.entry.Info()
	if err != nil {
		return nil, nil, err
	}
	var link string
	if info.Mode()&fs.ModeSymlink != 0 {
		if link, err = os.Readlink(f.path); err != nil {
			return nil, nil, err
		}
	}
	header, err := tar.FileInfoHeader(info, link)
	if err != nil {
		return nil, nil, err
	}
	header.Name = f.name
	// Other formats round the time of modification to a second.
	header.Format = tar.FormatPAX
	header.AccessTime, header.ChangeTime = time.Time{}, time.Time{}
	if !info.Mode().IsRegular() {
		return header, nil, nil
	}
	content, err := userfile.OpenRegular(f.path)
	return header, content, err
}

// errChanged says that a file has another size than it had when it was found.
var errChanged = errors.New("it was written to while the source was read")

// sourceError says which file of the source cannot be read, and what to do.
func sourceError(name string, err error) error {
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		err = failed.Err
	}
	message := fmt.Sprintf("application source: %q cannot be read: %v", name, err)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return hint.Usagef("let this user read it, or leave it out with exclude in project.toml", "%s", message)
	case errors.Is(err, errChanged):
		return hint.Errorf("build when nothing writes to the source, or leave the file out with exclude in project.toml", "%s", message)
	}
	return hint.Errorf("leave it out with exclude in project.toml", "%s", message)
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
