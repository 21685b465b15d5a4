package confine

import (
	"path/filepath"
	"slices"
	"strings"
)

// trustFiles are the files and directories that say how names are resolved and
// which certificate authorities this machine believes. Links between the
// directories work because all of them are there.
var trustFiles = []string{
	"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf",
	"/etc/ssl", "/etc/pki", "/etc/ca-certificates",
	"/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
}

// TrustFiles returns the files and directories that say how names are resolved
// and whom this machine believes, and what an environment, as KEY=VALUE, names
// beyond them. Not all of them need be there.
func TrustFiles(env []string) []string {
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
