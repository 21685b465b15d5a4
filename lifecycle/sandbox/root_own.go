package sandbox

import (
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// ownRoot makes the root of a phase that pack-cache runs itself: empty but for
// what the network and TLS need, all of it the machine's. The program itself is
// executed from memory and has no place in it.
func ownRoot(t *task) (string, []mounting, error) {
	if err := unix.Mount("tmpfs", stageRoot, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
		return "", nil, confine.Step(err, "mounting the root")
	}
	mounts, err := systemMounts(t)
	if err != nil {
		return "", nil, err
	}
	for _, path := range hostFiles(t.Phase.Env) {
		m, err := bindIfPresent(path, path, restricted|noExec|readOnly)
		if err != nil {
			return "", nil, err
		}
		mounts = append(mounts, m...)
	}
	own, err := phaseMounts(t)
	return stageRoot, append(mounts, own...), err
}

// trustFiles are the files and directories that say how names are resolved and
// which certificate authorities this machine believes. Links between the
// directories work because all of them are there.
var trustFiles = []string{
	"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf",
	"/etc/ssl", "/etc/pki", "/etc/ca-certificates",
	"/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
}

// hostFiles returns trustFiles and what env names beyond them.
func hostFiles(env []string) []string {
	files := slices.Clone(trustFiles)
	for _, entry := range env {
		key, value, _ := strings.Cut(entry, "=")
		var named []string
		switch key {
		case "SSL_CERT_FILE":
			named = []string{value}
		case "SSL_CERT_DIR":
			named = filepath.SplitList(value)
		}
		for _, path := range named {
			path = filepath.Clean(path)
			if filepath.IsAbs(path) && path != "/" && !covered(path, files) {
				files = append(files, path)
			}
		}
	}
	return files
}

// covered tells whether path is one of files or below one of them.
func covered(path string, files []string) bool {
	return slices.ContainsFunc(files, func(file string) bool {
		return path == file || strings.HasPrefix(path, file+"/")
	})
}
