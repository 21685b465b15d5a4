package archtest

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestConnections keeps tests from sharing connections: package testweb says why.
func TestConnections(t *testing.T) {
	t.Parallel()
	own := strings.NewReplacer("http.DefaultTransport.(*http.Transport).Clone()", "")
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") || strings.Contains(path, "archtest") {
			return err
		}
		data, err := os.ReadFile(path)
		for i, line := range strings.Split(own.Replace(string(data)), "\n") {
			code, _, _ := strings.Cut(line, "//")
			for _, shared := range []string{"http.DefaultTransport", "http.DefaultClient", "http.Get(", "http.Post(", "http.Head("} {
				if strings.Contains(code, shared) {
					t.Errorf("%s:%d uses %s: use testweb.Transport or testweb.Client", path, i+1, shared)
				}
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
