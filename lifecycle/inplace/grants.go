package inplace

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// kept are directories of a root that are never the image's: what the kernel
// shows, and what belongs to whoever uses the container.
var kept = []string{"proc", "sys", "dev", "tmp", "run", "home", "root", "mnt", "media", "workspace", "layers", "platform", "state", "builds", "lost+found"}

// usual are directories of a root that every image has. What is in them counts
// as the image's whenever it was made.
var usual = []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc", "opt", "var", "cnb"}

// harmless are mounts that show nothing but what every process of a container
// may know.
var harmless = []string{
	"/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/ssl/certs", "/etc/pki/ca-trust", "/etc/pki/tls/certs",
	"/etc/ca-certificates", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
}

// secretVariables name, in the environment of CI systems and tools, files and
// directories that have credentials in them.
var secretVariables = []string{
	"HOME", "DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "PACK_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "NETRC",
	"SSH_AUTH_SOCK", "GIT_CONFIG_GLOBAL", "KUBECONFIG", "GOOGLE_APPLICATION_CREDENTIALS",
	"AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE",
	"AZURE_CONFIG_DIR", "AZURE_FEDERATED_TOKEN_FILE", "CI_PROJECT_DIR", "CI_BUILDS_DIR",
	"GITHUB_WORKSPACE", "RUNNER_TEMP", "VAULT_TOKEN_FILE",
}

// granting finds out what of the container's file system is the builder's.
type granting struct {
	// private are paths that are not, though they may be below such that are.
	private []string
	// since is when the container began: unusual directories made later are not
	// the image's. The zero value takes them all.
	since time.Time
	// left are those that were left out for that.
	left []string
}

// newGranting looks for what is private here.
func newGranting(more ...string) (*granting, error) {
	points, err := mountPoints()
	if err != nil {
		return nil, err
	}
	points = slices.DeleteFunc(points, func(point string) bool {
		return slices.ContainsFunc(harmless, func(dir string) bool { return within(point, dir) })
	})
	g := &granting{private: slices.Concat(points, more, []string{"/var/tmp", "/var/run", "/var/lock"})}
	for _, key := range secretVariables {
		path := filepath.Clean(os.Getenv(key))
		if !filepath.IsAbs(path) || path == "/" {
			continue
		}
		g.private = append(g.private, path)
		if real, err := filepath.EvalSymlinks(path); err == nil {
			g.private = append(g.private, real)
		}
	}
	return g, nil
}

// rules let a phase read and execute what is the builder's.
func (g *granting) rules() ([]confine.Rule, error) {
	entries, err := os.ReadDir("/")
	if err != nil {
		return nil, err
	}
	var rules []confine.Rule
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, ".") || slices.Contains(kept, name) {
			continue
		}
		if !slices.Contains(usual, name) && g.late(entry) {
			g.left = append(g.left, "/"+name)
			continue
		}
		rules = append(rules, g.below("/"+name, entry.Type())...)
	}
	return rules, nil
}

// late tells whether an entry of the root was made after the container began.
func (g *granting) late(entry os.DirEntry) bool {
	info, err := entry.Info()
	if err != nil || g.since.IsZero() {
		return err != nil
	}
	stat := info.Sys().(*syscall.Stat_t)
	return time.Unix(stat.Ctim.Unix()).After(g.since)
}

// below grants a path or, where something private is below it, its parts.
// Symbolic links need no rule: where they lead to has its own.
func (g *granting) below(path string, kind os.FileMode) []confine.Rule {
	if slices.ContainsFunc(g.private, func(p string) bool { return within(path, p) }) {
		return nil
	}
	if !kind.IsDir() && !kind.IsRegular() {
		return nil
	}
	if !slices.ContainsFunc(g.private, func(p string) bool { return within(p, path) }) {
		return []confine.Rule{{Path: path, Access: confine.Read | confine.Execute}}
	}
	entries, _ := os.ReadDir(path) // what cannot be read cannot be granted
	var rules []confine.Rule
	for _, entry := range entries {
		rules = append(rules, g.below(filepath.Join(path, entry.Name()), entry.Type())...)
	}
	return rules
}
