package phases

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/internal/posix"
)

// maxTOMLs is how large the TOML files of one buildpack may be together. The largest
// that are in use have an old buildpack's list of dependencies in them, some hundred
// kB.
const maxTOMLs = 4 * bounds.MaxDocument

// tomlFile is toml for a file that need not be there.
func (d plainDir) tomlFile(name string) error {
	info, err := d.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return d.toml(name, info)
}

// toml refuses a TOML file that is not plain, or that takes more to decode than its
// size would make one think. It need not be valid.
func (d plainDir) toml(name string, info fs.FileInfo) error {
	if err := d.plain(name, info); err != nil {
		return err
	}
	at := path.Join(d.path, name)
	file, err := d.root.OpenFile(name, os.O_RDONLY|posix.O_NONBLOCK|posix.O_NOFOLLOW, 0)
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	defer file.Close()
	content, err := bounds.Read(file)
	if err == nil {
		err = bounds.CheckTOML(string(content))
	}
	if errors.Is(err, bounds.ErrExceeded) {
		return &leftError{path: at, buildpack: d.buildpack, what: "a file that nobody can read", why: err}
	}
	return err
}
