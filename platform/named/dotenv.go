package named

import (
	"errors"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
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
		return nil, refuse("check the file", "%s cannot be read: %v", d.path, err)
	}
	number := 0
	for line := range strings.Lines(text) {
		number++
		key, value, ok := parseDotEnv(line)
		if !ok {
			return nil, refuse("write KEY=VALUE, KEY='VALUE' or KEY=\"VALUE\"", "%s: line %d is not understood", d.path, number)
		}
		if key != "" {
			d.values[key] = value
		}
	}
	return d, nil
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// parseDotEnv reads one line. Blank lines and comments have no key. Values are
// as they are: variables in them are not replaced.
func parseDotEnv(line string) (key, value string, ok bool) {
	line = strings.TrimSpace(strings.TrimPrefix(line, "\ufeff"))
	if line == "" || strings.HasPrefix(line, "#") {
		return "", "", true
	}
	key, value, ok = strings.Cut(strings.TrimPrefix(line, "export "), "=")
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	if !ok || !variableName.MatchString(key) {
		return "", "", false
	}
	if value == "" || value[0] != '"' && value[0] != '\'' {
		if at := strings.Index(value, " #"); at >= 0 {
			value = strings.TrimSpace(value[:at])
		}
		return key, value, true
	}
	end := strings.IndexByte(value[1:], value[0])
	rest := ""
	if end >= 0 {
		rest = strings.TrimSpace(value[end+2:])
	}
	if end < 0 || rest != "" && !strings.HasPrefix(rest, "#") {
		return "", "", false
	}
	return key, value[1 : end+1], true
}
