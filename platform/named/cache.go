package named

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/internal/grammar"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/redact"
	"github.com/pack-cache/pack-cache/internal/reference"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/kinds"
	"github.com/pack-cache/pack-cache/trust"
)

// Cache is a named cache, ready to be used.
type Cache struct {
	Name string
	// File is where it was found, Own says that this is the user's own file.
	File string
	Own  bool
	// Login is what it is read and written with, nil for what the user is logged
	// in with.
	Login *trust.Login
	// DotEnv is the .env file that a value was taken from, "" if none was.
	DotEnv string

	// repository is set for a registry, directory for a local one.
	repository name.Repository
	directory  string
}

// Where names the place without the target.
func (c *Cache) Where() string {
	if c.directory != "" {
		return c.directory
	}
	return c.repository.Name()
}

// At is where the cache for a target is. With an empty target it is the place alone.
// The error is a *hint.UsageError.
func (c *Cache) At(target string) (kinds.Location, error) {
	switch {
	case c.directory != "":
		return kinds.Directory(c.directory, target), nil
	case target == "":
		return kinds.Image(c.repository.Tag(name.DefaultTag)), nil
	}
	ref, err := reference.Parse("cache image", c.repository.Name()+":"+target, nil)
	if err != nil {
		return kinds.Location{}, err
	}
	return kinds.Image(ref), nil
}

// notInTags is what a tag cannot hold.
var notInTags = regexp.MustCompile(`[^A-Za-z0-9_.]+`)

// Target is how a target is called in references, such as
// linux-arm64-v8-debian-13: as far as it is known, and in the characters of a
// tag (OCI distribution specification, "Pulling manifests").
func Target(t layers.Target) string {
	var parts []string
	for _, part := range []string{t.OS, t.Architecture, t.Variant, t.DistroName, t.DistroVersion} {
		if part = strings.Trim(notInTags.ReplaceAllString(part, "_"), "._"); part != "" {
			parts = append(parts, part)
		}
	}
	id := strings.Join(parts, "-")
	if id == "" {
		return "any"
	}
	return id[:min(len(id), 128)]
}

// resolve replaces the variables of an entry, and decides whether it may be used.
func (f *file) resolve(e entry, in Input) (*Cache, error) {
	values, err := readDotEnv(f.path, f.own)
	if err != nil {
		return nil, err
	}
	v := &variables{env: in.Env, dotEnv: values}
	c := &Cache{Name: e.Name, File: f.path, Own: f.own}
	failed := f.fill(c, e, v, in)
	if failed != nil {
		return nil, fmt.Errorf("%s: cache %s: %w", f.path, e.Name, failed)
	}
	if values.used {
		c.DotEnv = values.path
	}
	return c, nil
}

func (f *file) fill(c *Cache, e entry, v *variables, in Input) error {
	seen := isPlace
	if f.own {
		seen = nil
	}
	fields := []struct {
		name    string
		value   *string
		allowed func(string) bool
	}{
		{"url", &e.URL, seen}, {"namespace", &e.Namespace, seen}, {"image_tag", &e.ImageTag, seen},
		{"directory", &e.Directory, seen}, {"username", &e.Username, nil}, {"password", &e.Password, nil},
	}
	for _, field := range fields {
		var failed error
		if *field.value, failed = v.replace(field.name, *field.value, field.allowed); failed != nil {
			return failed
		}
	}
	// An owner's name may have capitals, a repository's never.
	e.Namespace, e.ImageTag = strings.ToLower(strings.Trim(e.Namespace, "/")), strings.ToLower(e.ImageTag)
	for _, part := range []struct{ field, value string }{{"namespace", e.Namespace}, {"image_tag", e.ImageTag}} {
		if part.value != "" && !repositoryPath.MatchString(part.value) {
			return hint.Usagef("use letters and digits, with single separators ('.', '_', '-' or '/') between them",
				"%s cannot be a part of a repository's name", part.field)
		}
	}
	if e.Provider == providerLocal {
		return f.fillLocal(c, e)
	}
	return f.fillRegistry(c, e, in)
}

// repositoryPath is the grammar of names in the OCI distribution specification,
// "Pulling manifests".
var repositoryPath = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)

var registryHost = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$`)

func (f *file) fillRegistry(c *Cache, e entry, in Input) error {
	host := strings.TrimSuffix(strings.TrimPrefix(e.URL, "https://"), "/")
	if !registryHost.MatchString(host) {
		return hint.Usagef("write a host, with a port if need be, such as ghcr.io or registry.example.com:5000; what follows it is the namespace",
			"url is not the host of a registry")
	}
	repository, err := name.NewRepository(host + "/" + path.Join(e.Namespace, e.ImageTag))
	if err != nil || grammar.Host(repository.RegistryStr()) != grammar.Host(host) {
		return hint.Usagef("write a host with a dot or a port, such as ghcr.io", "url is not the host of a registry that can be told from a namespace")
	}
	if !f.own && !in.trusts(repository.RegistryStr()) {
		return hint.Usagef(fmt.Sprintf("if you trust %s with the cache and with credentials, add --trust-cache-host %s, or trusted_hosts = [%q] in your own file, %s", host, host, host, in.ownPath()),
			"only this file names the registry %s, and the file may have come with the source", host)
	}
	c.repository = repository
	if e.Password != "" && e.Username == "" || e.Username != "" && e.Password == "" {
		return hint.Usagef("set both, or neither to use what you are logged in with", "of username and password, one is empty")
	}
	if e.Password != "" {
		c.Login = &trust.Login{Repository: repository, Username: e.Username, Password: redact.NewSecret(e.Password)}
	}
	return nil
}

func (f *file) fillLocal(c *Cache, e entry) error {
	if e.Directory == "" {
		caches, err := os.UserCacheDir()
		if err != nil {
			return hint.Usagef("set HOME or XDG_CACHE_HOME, or directory", "there is no place for local caches")
		}
		c.directory = filepath.Join(caches, "pack-cache", "images", filepath.FromSlash(e.ImageTag))
		return nil
	}
	here, err := filepath.Abs(filepath.Dir(f.path))
	if err != nil {
		return hint.Usagef("write an absolute path", "directory: %v", err)
	}
	dir := filepath.FromSlash(e.Directory)
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(here, dir)
	}
	c.directory = filepath.Join(dir, filepath.FromSlash(e.ImageTag))
	if !f.own && !isBelow(here, c.directory) {
		return hint.Usagef("choose a directory below "+here+", or move the cache to your own file",
			"directory is not below that of the file, and the file may have come with the source")
	}
	return nil
}

// isBelow reports whether a path, in which links may lead elsewhere, is below a
// directory.
func isBelow(parent, path string) bool {
	below, err := filepath.Rel(realPath(parent), realPath(path))
	return err == nil && filepath.IsLocal(below)
}

// realPath is a path without symbolic links in the part that exists.
func realPath(path string) string {
	if found, err := filepath.EvalSymlinks(path); err == nil {
		return found
	}
	if _, err := os.Lstat(path); err == nil {
		return "/" // a link that leads nowhere yet
	}
	if parent := filepath.Dir(path); parent != path {
		return filepath.Join(realPath(parent), filepath.Base(path))
	}
	return path
}
