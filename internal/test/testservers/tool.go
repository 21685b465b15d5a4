package testservers

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testneeds"
)

// Tool is a program of another project that tests run.
type Tool struct {
	// Name is that of its directory below this package.
	Name string
	// Module is the directory instead, where several tools share one.
	Module string
	// Package is the Go package to build, "." for one of the tool's own module;
	// "" is for tools of npm.
	Package string
	// Script is, for tools of npm, the file that node runs, relative to
	// node_modules; "" if tests bring one of their own.
	Script string
	// Seldom says that it is built only when it is named: it takes too long.
	Seldom bool
}

// Tools lists all there are.
func Tools() []Tool {
	return []Tool{
		{Name: "minio", Package: "github.com/minio/minio"},
		{Name: "versitygw", Package: "github.com/versity/versitygw/cmd/versitygw"},
		{Name: "act", Package: "."},
		{Name: "act-runner", Package: "github.com/nektos/act"},
		{Name: "actions-cache"},
		{Name: "pack", Package: "github.com/buildpacks/pack"},
		{Name: "paketo-jvm", Module: "paketo", Package: "./jvm"},
		{Name: "paketo-maven", Module: "paketo", Package: "./maven"},
		{Name: "paketo-web", Module: "paketo", Package: "./web"},
		{Name: "paketo-source-removal", Module: "paketo", Package: "github.com/paketo-buildpacks/source-removal/run"},
		{Name: "paketo-jvm-helper", Module: "paketo", Package: "github.com/paketo-buildpacks/libjvm/cmd/helper"},
		{Name: "paketo-create-package", Module: "paketo", Package: "github.com/paketo-buildpacks/libpak/cmd/create-package"},
		{Name: "olareg", Package: "github.com/olareg/olareg/cmd/olareg"},
		{Name: "distribution", Package: "github.com/distribution/distribution/v3/cmd/registry"},
		{Name: "crane", Package: "github.com/google/go-containerregistry/cmd/crane"},
		{Name: "oras", Package: "oras.land/oras/cmd/oras"},
		{Name: "conformance", Package: "github.com/opencontainers/distribution-spec/conformance"},
		{Name: "ociregistry", Package: "."},
		{Name: "imageschema", Package: "."},
		{Name: "dockerd", Package: "github.com/moby/moby/v2/cmd/dockerd", Seldom: true},
		{Name: "azurite", Script: "azurite/dist/src/blob/main.js"},
	}
}

// Find returns what Build made of a tool: a program or, for tools of npm, the
// directory with node_modules. Without it, the test is skipped; in CI it fails.
func Find(t testing.TB, name string) string {
	t.Helper()
	path, err := find(name)
	switch {
	case err == nil:
		return path
	case errors.Is(err, fs.ErrNotExist):
		testneeds.Missing(t, "%s has not been built: run make test-servers", name)
	}
	t.Fatalf("%s is not there (make test-servers builds it): %v", name, err)
	return ""
}

func find(name string) (string, error) {
	for _, tool := range Tools() {
		if tool.Name != name {
			continue
		}
		root, err := ModuleRoot()
		if err != nil {
			return "", err
		}
		path, err := tool.path(root)
		if err != nil {
			return "", err
		}
		_, err = os.Stat(path)
		return path, err
	}
	return "", fmt.Errorf("there is no tool %q", name)
}

// dir is where the tool is pinned.
func (tool Tool) dir(root string) string {
	return filepath.Join(root, "internal", "test", "testservers", cmp.Or(tool.Module, tool.Name))
}

// path is where the tool is kept. It is another one whenever something in its
// directory changes.
func (tool Tool) path(root string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	source := os.DirFS(tool.dir(root))
	err = fs.WalkDir(source, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(source, path)
		fmt.Fprintf(hash, "%s %d\n%s", path, len(content), content)
		return err
	})
	if err != nil {
		return "", err
	}
	key := hex.EncodeToString(hash.Sum(nil)[:8])
	return filepath.Join(cache, "pack-cache-test-servers", tool.Name+"-"+key), nil
}

// ModuleRoot finds the product's source above the working directory, which is
// where `go test` and make run.
func ModuleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		content, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(content), "module github.com/pack-cache/pack-cache\n") {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("the working directory is not in the source of pack-cache")
		}
	}
}
