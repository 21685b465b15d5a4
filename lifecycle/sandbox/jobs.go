package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/lifecycle"
)

// job is work on files that belong to ids of the phases. As root this process
// does it; otherwise a helper in a user namespace of the same ids does.
type job struct {
	Kind string         `json:"kind"`
	Dir  string         `json:"dir"`
	User lifecycle.User `json:"user"`
	// Names are those of the volumes to make.
	Names []string `json:"names,omitempty"`
	// Path is the file to export, relative to Dir.
	Path   string     `json:"path,omitempty"`
	Unpack *unpacking `json:"unpack,omitempty"`
}

// Kinds of jobs.
const (
	jobVolumes = "make"
	jobImport  = "import"
	jobExport  = "export"
	jobRemove  = "remove"
	jobUnpack  = "unpack"
)

// perform does a job. The file is one that was asked for.
func perform(ctx context.Context, j *job, in io.Reader) (*os.File, error) {
	switch j.Kind {
	case jobVolumes:
		return nil, makeVolumes(j)
	case jobImport:
		root, err := os.OpenRoot(j.Dir)
		if err != nil {
			return nil, err
		}
		defer root.Close()
		return nil, importTar(ctx, root, in, j.User)
	case jobExport:
		return exportFile(j.Dir, j.Path)
	case jobRemove:
		return nil, removeContent(j.Dir)
	}
	return nil, fmt.Errorf("unknown job %q", j.Kind)
}

// makeVolumes makes the volumes, which belong to the user.
func makeVolumes(j *job) error {
	for _, name := range j.Names {
		dir := filepath.Join(j.Dir, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
		// The process' umask may have taken something away.
		if err := errors.Join(os.Chmod(dir, 0o755), os.Chown(dir, j.User.UID, j.User.GID)); err != nil {
			return err
		}
	}
	return nil
}

// exportFile opens a regular file below dir.
func exportFile(dir, path string) (*os.File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	// Without O_NONBLOCK a named pipe would keep the opener waiting.
	file, err := root.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "export", Path: path, Err: errors.New("not a regular file")}
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// removeContent empties a directory, which itself belongs to someone else.
func removeContent(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, entry := range entries {
		errs = append(errs, os.RemoveAll(filepath.Join(dir, entry.Name())))
	}
	return errors.Join(errs...)
}
