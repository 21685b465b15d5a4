package docker

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pack-cache/pack-cache/internal/userfile"
)

// systemBundle is where Go programs look first for certificates on Linux.
const systemBundle = "/etc/ssl/certs/ca-certificates.crt"

// systemBundles are where systems keep all the authorities that they trust.
var systemBundles = []string{
	systemBundle,
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
	"/etc/pki/tls/cacert.pem",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/ssl/cert.pem",
}

// systemDirs are where systems keep authorities one by one.
var systemDirs = []string{"/etc/ssl/certs", "/etc/pki/tls/certs"}

// certificates returns, by path, the files with the certificates that the
// caller's machine trusts, and those that an environment names. Only
// certificates are taken from the machine's files; keys, which may be beside
// them, stay.
func certificates(env []string) map[string][]byte {
	found := map[string][]byte{systemBundle: systemCertificates()}
	for _, entry := range env {
		key, value, _ := strings.Cut(entry, "=")
		switch key {
		case "SSL_CERT_FILE":
			if filepath.IsAbs(value) {
				found[path.Clean(value)] = certificatesIn(value)
			}
		case "SSL_CERT_DIR":
			for _, dir := range filepath.SplitList(value) {
				if filepath.IsAbs(dir) {
					found[path.Join(dir, "pack-cache.pem")] = certificatesBelow(dir)
				}
			}
		}
	}
	maps.DeleteFunc(found, func(_ string, content []byte) bool { return len(content) == 0 })
	return found
}

// systemCertificates returns what Go's crypto/x509 would trust here.
func systemCertificates() []byte {
	var all [][]byte
	for _, file := range systemBundles {
		if content := certificatesIn(file); len(content) > 0 {
			all = append(all, content)
			break
		}
	}
	for _, dir := range systemDirs {
		all = append(all, certificatesBelow(dir))
	}
	return unique(bytes.Join(all, nil))
}

// certificatesBelow returns the certificates in the files of a directory.
func certificatesBelow(dir string) []byte {
	entries, _ := os.ReadDir(dir) // that there is none is usual
	var all []byte
	for _, entry := range entries {
		file := filepath.Join(dir, entry.Name())
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			all = append(all, certificatesIn(file)...)
		}
	}
	return unique(all)
}

// certificatesIn returns the certificates in a file, nothing if it cannot be
// read: then TLS says what is missing.
func certificatesIn(file string) []byte {
	data, err := userfile.ReadRegular(file)
	if err != nil {
		return nil
	}
	return unique(data)
}

// unique returns each certificate in data once.
func unique(data []byte) []byte {
	var all bytes.Buffer
	seen := map[string]bool{}
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return all.Bytes()
		}
		if block.Type != "CERTIFICATE" || seen[string(block.Bytes)] {
			continue
		}
		seen[string(block.Bytes)] = true
		block.Headers = nil
		_ = pem.Encode(&all, block) // into memory
	}
}

// certificateFiles lists files with their directories for an archive.
func certificateFiles(certificates map[string][]byte) ([]tar.Header, map[string][]byte) {
	var files []tar.Header
	content := map[string][]byte{}
	made := map[string]bool{".": true}
	for _, file := range slices.Sorted(maps.Keys(certificates)) {
		file, data := relative(file), certificates[file]
		for _, dir := range parents(file) {
			if !made[dir] {
				made[dir] = true
				files = append(files, tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: modeOf(dir)})
			}
		}
		files = append(files, tar.Header{Typeflag: tar.TypeReg, Name: file, Mode: 0o444, Size: int64(len(data))})
		content[file] = data
	}
	return files, content
}

// modeOf is the mode of a directory of the own image. A layer says again what
// the ones below have said.
func modeOf(dir string) int64 {
	if dir == "tmp" {
		return 0o1777
	}
	return 0o755
}

// parents are the directories above a relative path, outermost first.
func parents(file string) []string {
	var dirs []string
	for dir := path.Dir(file); dir != "."; dir = path.Dir(dir) {
		dirs = append(dirs, dir)
	}
	slices.Reverse(dirs)
	return dirs
}
