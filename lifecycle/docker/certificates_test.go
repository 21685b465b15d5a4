package docker

import (
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// block is a certificate, or something else, in PEM.
func block(kind, content string) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte(content)})
}

// TestCertificates checks that certificates come along, and nothing that is
// beside them.
func TestCertificates(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "all.pem")
	one, two := block("CERTIFICATE", "one"), block("CERTIFICATE", "two")
	for path, content := range map[string][]byte{
		file:                               slices.Concat([]byte("# a comment\n"), one, block("PRIVATE KEY", "secret"), one, two),
		filepath.Join(dir, "dir", "a.crt"): two,
		filepath.Join(dir, "dir", "a.key"): block("RSA PRIVATE KEY", "secret"),
		filepath.Join(dir, "dir", "b.crt"): one,
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("a.crt", filepath.Join(dir, "dir", "link")); err != nil {
		t.Fatal(err)
	}
	found := certificates([]string{
		"SSL_CERT_FILE=" + file, "SSL_CERT_DIR=" + filepath.Join(dir, "dir") + ":relative:" + filepath.Join(dir, "missing"), "OTHER=" + file,
	})
	delete(found, systemBundle) // what the machine has
	want := map[string][]byte{
		file: slices.Concat(one, two),
		filepath.Join(dir, "dir", "pack-cache.pem"): slices.Concat(two, one),
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("certificates (-want +got):\n%s", diff)
	}
}

func TestCertificateFiles(t *testing.T) {
	t.Parallel()
	files, content := certificateFiles(map[string][]byte{"/a/b/c": []byte("c"), "/a/d": []byte("d"), "/tmp/e": []byte("e")})
	var names []string
	for _, f := range files {
		names = append(names, fmt.Sprintf("%s %o", f.Name, f.Mode))
	}
	if diff := cmp.Diff([]string{"a/ 755", "a/b/ 755", "a/b/c 444", "a/d 444", "tmp/ 1777", "tmp/e 444"}, names); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string][]byte{"a/b/c": []byte("c"), "a/d": []byte("d"), "tmp/e": []byte("e")}, content); diff != "" {
		t.Errorf("content (-want +got):\n%s", diff)
	}
}
