package keychain

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/internal/grammar"
	"github.com/pack-cache/pack-cache/internal/redact"
	"github.com/pack-cache/pack-cache/internal/userfile"
	"github.com/pack-cache/pack-cache/trust"
)

// configSource reads the credentials that docker login and podman login leave.
type configSource struct {
	getenv  func(string) string
	helpers helperRunner

	mu    sync.Mutex
	known bool
	files []*authFile
}

func (s *configSource) find(ctx context.Context, resource authn.Resource) (trust.Credential, error) {
	files, err := s.all(ctx)
	if err != nil {
		return trust.Credential{}, err
	}
	for _, file := range files {
		found, err := file.find(ctx, resource)
		if err != nil || !found.Anonymous() {
			return found, err
		}
	}
	return trust.Credential{}, nil
}

// all returns the files, which are read once. The error is that of ctx.
func (s *configSource) all(ctx context.Context) ([]*authFile, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.known {
		files := s.read(ctx)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		s.files, s.known = files, true
	}
	return s.files, nil
}

// read finds the files. What is wrong with one is said when it is asked.
func (s *configSource) read(ctx context.Context) (files []*authFile) {
	if value := s.getenv("DOCKER_AUTH_CONFIG"); value != "" {
		files = append(files, parseAuthFile("DOCKER_AUTH_CONFIG", []byte(value)))
	}
	for _, place := range []struct{ path, named string }{
		{s.docker(), s.getenv("DOCKER_CONFIG")},
		{s.podman(), s.getenv("REGISTRY_AUTH_FILE")},
	} {
		data, err := userfile.Read(ctx, place.path)
		switch {
		case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		case errors.Is(err, fs.ErrPermission) && place.named == "":
			// HOME is still another account's, as under sudo -u. A file that
			// the user named would be missed.
		case err != nil:
			files = append(files, &authFile{path: place.path, err: err})
		default:
			files = append(files, parseAuthFile(place.path, data))
		}
	}
	for _, file := range files {
		file.runner = s.helpers
		file.runner.searchPath = s.getenv("PATH")
	}
	return files
}

// docker returns the path of Docker's configuration.
func (s *configSource) docker() string {
	if dir := s.getenv("DOCKER_CONFIG"); dir != "" {
		return filepath.Join(dir, "config.json")
	}
	if home := s.getenv("HOME"); home != "" {
		return filepath.Join(home, ".docker", "config.json")
	}
	return ""
}

// podman returns the path of the credentials that Podman, Buildah and Skopeo
// share (containers-auth.json(5)).
func (s *configSource) podman() string {
	if path := s.getenv("REGISTRY_AUTH_FILE"); path != "" {
		return path
	}
	if dir := s.getenv("XDG_RUNTIME_DIR"); dir != "" {
		path := filepath.Join(dir, "containers", "auth.json")
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	dir := s.getenv("XDG_CONFIG_HOME")
	if home := s.getenv("HOME"); dir == "" && home != "" {
		dir = filepath.Join(home, ".config")
	}
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "containers", "auth.json")
}

// authFile is one configuration of credentials. It is safe for concurrent use.
type authFile struct {
	path   string
	err    error
	runner helperRunner

	// auths is a function because it holds secrets. Its keys are hosts, or
	// hosts with the beginning of a path.
	auths       func() map[string]json.RawMessage
	store       string
	helpers     map[string]string
	helperMemos memo
}

func parseAuthFile(path string, data []byte) *authFile {
	var content struct {
		Auths       map[string]json.RawMessage `json:"auths"`
		CredsStore  string                     `json:"credsStore"`
		CredHelpers map[string]string          `json:"credHelpers"`
	}
	file := &authFile{path: path}
	if strings.TrimSpace(string(data)) != "" {
		file.err = redact.JSONError(json.Unmarshal(data, &content))
	}
	auths := byKey(content.Auths)
	file.auths = func() map[string]json.RawMessage { return auths }
	file.store, file.helpers = content.CredsStore, byKey(content.CredHelpers)
	return file
}

// find asks the helper that is responsible for the registry, and then looks for
// a credential in the file itself: the most specific key wins.
func (f *authFile) find(ctx context.Context, resource authn.Resource) (trust.Credential, error) {
	host := grammar.Host(resource.RegistryStr())
	if f.err != nil {
		return trust.Credential{}, &trust.CredentialError{
			Host: host, Reason: f.path + " cannot be read", Err: f.err,
			Remedy: "correct the file, or log in to the registry again",
		}
	}
	helper, ok := f.helpers[host]
	if !ok {
		helper = f.store
	}
	if helper != "" {
		found, err := f.helperMemos.get(host, func() (trust.Credential, error) { return f.askHelper(ctx, helper, host) })
		if err != nil || !found.Anonymous() {
			return found, err
		}
	}
	auths := f.auths()
	for _, key := range lookupKeys(host, resource.String()) {
		if entry, ok := auths[key]; ok {
			return f.entry(host, entry)
		}
	}
	return trust.Credential{}, nil
}

// entry decodes one member of auths.
func (f *authFile) entry(host string, entry json.RawMessage) (trust.Credential, error) {
	// The fields alone: reading an AuthConfig leaves the encoded form in it, which is a second form of the same.
	type fields authn.AuthConfig
	var config fields
	err := redact.JSONError(json.Unmarshal(entry, &config))
	if err == nil && config.Auth != "" {
		config.Username, config.Password, err = trust.ParseBasic(config.Auth)
		config.Auth = ""
	}
	if err != nil {
		return trust.Credential{}, &trust.CredentialError{
			Host: host, Reason: "the entry in " + f.path + " is malformed", Err: err,
			Remedy: "log in to the registry again",
		}
	}
	return trust.NewCredential(authn.AuthConfig(config)), nil
}

// lookupKeys returns the keys under which a credential for resource may be
// kept: the repository, what it lies in, and the registry.
func lookupKeys(host, resource string) []string {
	var keys []string
	if _, path, ok := strings.Cut(resource, "/"); ok {
		for path != "" && path != "." {
			keys = append(keys, host+"/"+path)
			cut := strings.LastIndex(path, "/")
			path = path[:max(cut, 0)]
		}
	}
	return append(keys, host)
}

// byKey normalises the keys of a map. Of two that mean the same registry, the
// one that Docker writes counts.
func byKey[V any](from map[string]V) map[string]V {
	to := map[string]V{}
	for _, key := range slices.Sorted(maps.Keys(from)) {
		normal := keyOf(key)
		if _, ok := to[normal]; !ok || key == helperKey(normal) {
			to[normal] = from[key]
		}
	}
	return to
}

// keyOf normalises a key of auths: Docker writes https://index.docker.io/v1/
// for its hub (and longer URLs for other things it knows of it), old versions
// wrote URLs of /v1/ and /v2/ for others, Podman writes host/namespace.
func keyOf(key string) string {
	for _, scheme := range []string{"https://", "http://"} {
		key = strings.TrimPrefix(key, scheme)
	}
	host, path, _ := strings.Cut(strings.TrimRight(key, "/"), "/")
	host = grammar.Host(host)
	if path == "" || path == "v1" || path == "v2" {
		return host
	}
	return host + "/" + path
}

// helperKey is the name under which credential helpers know a registry.
func helperKey(host string) string {
	if host == name.DefaultRegistry {
		return authn.DefaultAuthKey
	}
	return host
}
