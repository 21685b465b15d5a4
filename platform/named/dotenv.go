package named

import (
	"errors"
	"io/fs"
	"path/filepath"
	"regexp"

	"github.com/pack-cache/pack-cache/internal/envfile"
	"github.com/pack-cache/pack-cache/internal/hint"
)

// dotEnvName is the file beside a pack-cache.toml that has values of variables.
const dotEnvName = ".env"

// dotEnv is such a file.
type dotEnv struct {
	path   string
	values map[string]string
	// used is set when a value was taken from it.
	used bool
}

// readDotEnv reads the file beside the one at path; it is empty if there is
// none. Errors show nothing of the file.
func readDotEnv(path string, own bool) (*dotEnv, error) {
	d := &dotEnv{path: filepath.Join(filepath.Dir(path), dotEnvName), values: map[string]string{}}
	text, err := readText(d.path, own)
	if errors.Is(err, fs.ErrNotExist) {
		return d, nil
	}
	if err != nil {
		if failed, ok := errors.AsType[*fs.PathError](err); ok {
			err = failed.Err
		}
		return nil, hint.Usagef("check the file", "%s cannot be read: %v", d.path, err)
	}
	read, err := envfile.Parse(text)
	if err != nil {
		return nil, hint.Usagef(envfile.Form, "%s: %v", d.path, err)
	}
	for _, v := range read {
		if v.Given { // the environment goes before the file
			d.values[v.Name] = v.Value
		}
	}
	return d, nil
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
