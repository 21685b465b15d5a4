package platform

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/pack-cache/pack-cache/lifecycle"
)

// archiver writes the entries of an archive.
type archiver func(context.Context, *tar.Writer) error

// importArchive streams an archive into a volume.
func importArchive(ctx context.Context, place lifecycle.Place, volume string, write archiver) error {
	reader, pipe := io.Pipe()
	written := make(chan error, 1)
	go func() {
		archive := tar.NewWriter(pipe)
		err := write(ctx, archive)
		if err == nil {
			err = archive.Close()
		}
		pipe.CloseWithError(err)
		written <- err
	}()
	err := place.Import(ctx, volume, reader)
	reader.CloseWithError(io.ErrClosedPipe)
	if writeErr := <-written; writeErr != nil && writeErr != io.ErrClosedPipe {
		return writeErr
	}
	return err
}

// sourceArchive holds everything below dir except sockets, with the modes and
// times it has there.
func sourceArchive(dir string) archiver {
	return func(ctx context.Context, archive *tar.Writer) error {
		return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return fmt.Errorf("read application source: %w", err)
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			relative, err := filepath.Rel(dir, path)
			if err != nil || relative == "." || entry.Type()&fs.ModeSocket != 0 {
				return err
			}
			return addFile(archive, path, filepath.ToSlash(relative), entry)
		})
	}
}

func addFile(archive *tar.Writer, path, name string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if err != nil {
		return fmt.Errorf("read application source: %w", err)
	}
	var link string
	if info.Mode()&fs.ModeSymlink != 0 {
		if link, err = os.Readlink(path); err != nil {
			return fmt.Errorf("read application source: %w", err)
		}
	}
	header, err := tar.FileInfoHeader(info, link)
	if err != nil {
		return fmt.Errorf("read application source: %s: %w", path, err)
	}
	header.Name = name
	// Other formats round the time of modification to a second.
	header.Format = tar.FormatPAX
	header.AccessTime, header.ChangeTime = time.Time{}, time.Time{}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return nil
	}
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read application source: %w", err)
	}
	defer file.Close()
	if _, err := io.Copy(archive, file); err != nil {
		return fmt.Errorf("read application source: %s: %w", path, err)
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
