package testdocker

import (
	"fmt"
	"os/exec"
	"path/filepath"
)

// dockerCommand is how dockerd is started: with no bridge network, which would
// need the machine's packet filter.
func dockerCommand(dir, host string) ([]string, error) {
	path, err := find("dockerd", "/usr/sbin/dockerd", "docker.io")
	if err != nil {
		return nil, err
	}
	return []string{
		path, "--host", host,
		"--data-root", filepath.Join(dir, "data"), "--exec-root", filepath.Join(dir, "exec"),
		"--pidfile", filepath.Join(dir, "pid"),
		"--iptables=false", "--ip6tables=false", "--bridge=none",
	}, nil
}

// podmanCommand is how Podman's service is started.
func podmanCommand(dir, host string) ([]string, error) {
	path, err := find("podman", "/usr/bin/podman", "podman")
	if err != nil {
		return nil, err
	}
	return []string{
		path, "--root", filepath.Join(dir, "data"), "--runroot", filepath.Join(dir, "exec"),
		"--tmpdir", filepath.Join(dir, "tmp"), "--volumepath", filepath.Join(dir, "volumes"),
		"--cgroup-manager", "cgroupfs", "--events-backend", "file",
		"system", "service", "--time", "0", host,
	}, nil
}

// find returns the path of a program, or says which package has it.
func find(name, usual, pkg string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	// Not everybody has the directories of system services in PATH.
	path, err := exec.LookPath(usual)
	if err != nil {
		return "", fmt.Errorf("%s is not installed: apt-get install %s", name, pkg)
	}
	return path, nil
}
