package named

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/pack-cache/pack-cache/internal/attrs"
	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/userfile"
)

// FileName is how the files are called.
const FileName = "pack-cache.toml"

// file is a pack-cache.toml.
type file struct {
	path string
	// own says that the user has written it.
	own     bool
	entries []entry
	// hosts are registries that files of others may name.
	hosts []string
}

// entry is one [[image_caches]] as it is written.
type entry struct {
	Name      string `toml:"name"`
	Provider  string `toml:"provider"`
	URL       string `toml:"url"`
	Namespace string `toml:"namespace"`
	ImageTag  string `toml:"image_tag"`
	Username  string `toml:"username"`
	Password  string `toml:"password"`
	Directory string `toml:"directory"`
}

// Providers.
const (
	providerRegistry = "registry"
	providerLocal    = "local"
)

// content is everything that may be in a file.
type content struct {
	Caches       []entry  `toml:"image_caches"`
	TrustedHosts []string `toml:"trusted_hosts"`
}

// Names of the keys, as attrs.DidYouMean wants them.
var (
	topKeys   = []string{"image_caches", "trusted_hosts"}
	entryKeys = []string{"name", "provider", "url", "namespace", "image_tag", "username", "password", "directory"}
)

// read reads a file. The error is an fs.ErrNotExist if there is none, and else
// a *hint.UsageError that shows no value.
func read(path string, own bool) (*file, error) {
	text, err := readText(path, own)
	if err != nil {
		if failed, ok := errors.AsType[*fs.PathError](err); ok && !errors.Is(err, fs.ErrNotExist) {
			return nil, hint.Usagef("check the file", "%s cannot be read: %v", path, failed.Err)
		}
		return nil, err
	}
	var read content
	known, err := bounds.TOML(text, &read)
	if err != nil {
		return nil, hint.Usagef("correct the file", "%s: %s", path, tomlReason(err))
	}
	if unknown := known.Undecoded(); len(unknown) > 0 {
		key, valid := unknown[0], topKeys
		if len(key) > 1 {
			valid = entryKeys
		}
		last := key[len(key)-1]
		return nil, hint.Usagef(attrs.DidYouMean(last, valid)+"valid are: "+strings.Join(valid, ", "), "%s: unknown key %s", path, key)
	}
	f := &file{path: path, own: own, entries: read.Caches, hosts: read.TrustedHosts}
	if len(f.hosts) > 0 && !own {
		return nil, hint.Usagef("name the host with --trust-cache-host, or in your own file",
			"%s: trusted_hosts has no place in a file that may have come with the source", path)
	}
	return f, f.check()
}

// readText reads a file. One that may have come with the source must not be a
// link to something outside its directory.
func readText(path string, own bool) (string, error) {
	if own {
		text, err := userfile.ReadRegular(path)
		return string(text), err
	}
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	defer root.Close()
	file, err := userfile.OpenIn(root, filepath.Base(path))
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := bounds.Read(file)
	return string(text), err
}

// tomlReason says what is wrong without the text itself, which may hold a
// password.
func tomlReason(err error) string {
	if parse, ok := errors.AsType[toml.ParseError](err); ok {
		return fmt.Sprintf("line %d is not valid TOML", parse.Position.Line)
	}
	return "it is not valid TOML, or a value is of another type than text"
}

var (
	cacheName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	providers = []string{providerRegistry, providerLocal}
)

// check refuses what is wrong with any of the entries, before variables are
// replaced.
func (f *file) check() error {
	seen := map[string]bool{}
	for i, e := range f.entries {
		if e.Name == "" {
			return hint.Usagef("add name = \"…\"", "%s: image_caches %d has no name", f.path, i+1)
		}
		if !cacheName.MatchString(e.Name) {
			return hint.Usagef("use letters, digits, '.', '_' and '-'", "%s: %q is not a name for a cache", f.path, e.Name)
		}
		if seen[e.Name] {
			return hint.Usagef("give each its own name", "%s: two caches are called %s", f.path, e.Name)
		}
		seen[e.Name] = true
		if err := e.check(); err != nil {
			return fmt.Errorf("%s: cache %s: %w", f.path, e.Name, err)
		}
	}
	return nil
}

// check refuses keys that are missing, or make no sense together.
func (e entry) check() error {
	for _, key := range []struct{ name, value, provider string }{
		{"url", e.URL, providerRegistry}, {"namespace", e.Namespace, providerRegistry},
		{"username", e.Username, providerRegistry}, {"password", e.Password, providerRegistry},
		{"directory", e.Directory, providerLocal},
	} {
		if key.value != "" && key.provider != e.Provider && (e.Provider == providerRegistry || e.Provider == providerLocal) {
			return hint.Usagef("leave it out, or change the provider", "%s is for provider = %q", key.name, key.provider)
		}
	}
	missing := func(key, example string) error {
		return hint.Usagef(fmt.Sprintf("add %s = %q", key, example), "%s is missing", key)
	}
	switch {
	case e.Provider == "":
		return missing("provider", providerRegistry)
	case e.Provider != providerRegistry && e.Provider != providerLocal:
		return hint.Usagef(attrs.DidYouMean(e.Provider, providers)+"valid are: "+strings.Join(providers, ", "), "there is no provider %q", e.Provider)
	case e.ImageTag == "":
		return missing("image_tag", "app-cache")
	case e.Provider == providerRegistry && e.URL == "":
		return missing("url", "ghcr.io")
	case e.Username != "" && e.Password == "":
		return missing("password", "${REGISTRY_PASSWORD}")
	case e.Username == "" && e.Password != "":
		return missing("username", "${REGISTRY_USER}")
	}
	return nil
}
