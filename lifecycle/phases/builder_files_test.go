package phases

import (
	"os"
	"path/filepath"
	"testing"
)

func TestCheckBuilderFiles(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		links map[string]string // by path below /cnb
		fails bool
	}{
		{"regular files", nil, false},
		{"link that stays", map[string]string{"lifecycle/launcher.sbom.cdx.json": "launcher"}, false},
		{"launcher elsewhere", map[string]string{"lifecycle/launcher": "/proc/self/environ"}, true},
		{"launcher above", map[string]string{"lifecycle/launcher": "../../secret"}, true},
		{"SBOM elsewhere", map[string]string{"lifecycle/lifecycle.sbom.spdx.json": "/proc/self/fd/0"}, true},
		{"run.toml elsewhere", map[string]string{"run.toml": "/etc/hostname"}, true},
		{"lifecycle elsewhere", map[string]string{"lifecycle": "/usr"}, true},
		{"launcher is a directory", map[string]string{"lifecycle/launcher": "."}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.Mkdir(filepath.Join(dir, "lifecycle"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "lifecycle/launcher"), nil, 0o755); err != nil {
				t.Fatal(err)
			}
			for path, target := range tt.links {
				path = filepath.Join(dir, path)
				if err := os.RemoveAll(path); err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(target, path); err != nil {
					t.Fatal(err)
				}
			}
			if err := checkBuilderFiles(dir); (err != nil) != tt.fails {
				t.Errorf("checkBuilderFiles() = %v, want an error: %v", err, tt.fails)
			}
		})
	}
}
