package phases

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/bounds"
)

// TestCheckDocuments refuses what a buildpack wrote to have the phase run out of
// memory.
func TestCheckDocuments(t *testing.T) {
	t.Parallel()
	deep := "a = " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000)
	for _, test := range []struct{ name, path, content, want string }{
		{"a layer", "samples_java/jdk.toml", deep, "buildpack samples/java"},
		{"the group", "group.toml", deep, "group.toml"},
		{"a large file", "samples_java/launch.toml", strings.Repeat("#", bounds.MaxDocument+1), "launch.toml"},
		{"what is usual", "samples_java/jdk.toml", "[metadata]\nversion = 1\n", ""},
		{"what is no TOML", "samples_java/jdk.toml", "[[[", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, test.path)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(test.content), 0o644)); err != nil {
				t.Fatal(err)
			}
			err := checkDocuments(dir)
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (!errors.Is(err, bounds.ErrExceeded) || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v", err)
			}
		})
	}
}
