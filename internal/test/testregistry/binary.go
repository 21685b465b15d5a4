package testregistry

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/pack-cache/pack-cache/internal/test/testprocess"
)

// binaryVariable names the environment variable with the path of
// docker-registry.
const binaryVariable = "PACK_CACHE_DOCKER_REGISTRY"

// Binary returns the path of docker-registry: the one that the environment
// names, the installed one, or one that it fetches from the machine's own
// Debian archive, which needs no rights, and keeps in the user's cache
// directory.
func Binary(ctx context.Context) (string, error) {
	if path := os.Getenv(binaryVariable); path != "" {
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("%s: %w", binaryVariable, err)
		}
		return path, nil
	}
	if path, err := exec.LookPath("docker-registry"); err == nil {
		return path, nil
	}
	// Not everybody has the directory of system services in PATH.
	if path := "/usr/bin/docker-registry"; isFile(path) {
		return path, nil
	}
	path, err := fetchBinary(ctx)
	if err != nil {
		return "", fmt.Errorf("docker-registry is not installed (apt-get install docker-registry, or name it in %s) and cannot be fetched: %w", binaryVariable, err)
	}
	return path, nil
}

// fetchBinary downloads and unpacks the package docker-registry, once per user.
func fetchBinary(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "pack-cache", "testregistry")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	unlock, err := testprocess.Lock(filepath.Join(dir, "lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	root := filepath.Join(dir, "docker-registry")
	path := filepath.Join(root, "usr", "bin", "docker-registry")
	if isFile(path) {
		return path, nil
	}
	work, err := os.MkdirTemp(dir, "fetch-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	if err := download(ctx, work); err != nil {
		return "", err
	}
	archives, _ := filepath.Glob(filepath.Join(work, "docker-registry_*.deb"))
	if len(archives) != 1 {
		return "", errors.New("apt-get download left no package behind")
	}
	if err := command(ctx, work, "dpkg-deb", "-x", archives[0], "root"); err != nil {
		return "", err
	}
	// Another version's rest, without the program.
	if err := os.RemoveAll(root); err != nil {
		return "", err
	}
	return path, os.Rename(filepath.Join(work, "root"), root)
}

// download puts the package into dir, with the machine's package lists or,
// where there are none, with lists of its own.
func download(ctx context.Context, dir string) error {
	first := command(ctx, dir, "apt-get", "-q", "download", "docker-registry")
	if first == nil {
		return nil
	}
	for _, sub := range []string{"lists/partial", "archives/partial"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	own := []string{
		"-q", "-o", "Dir::State::lists=" + filepath.Join(dir, "lists"), "-o", "Dir::Cache=" + dir,
		"-o", "Dir::State::status=/var/lib/dpkg/status", "-o", "APT::Sandbox::User=",
	}
	for _, args := range [][]string{{"update"}, {"download", "docker-registry"}} {
		if err := command(ctx, dir, "apt-get", append(own, args...)...); err != nil {
			return errors.Join(first, err)
		}
	}
	return nil
}

// command runs a program in dir; its output is part of the error.
func command(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	return testprocess.Run(cmd)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
