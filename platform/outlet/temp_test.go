package outlet

import (
	"os"
	"path/filepath"
	"testing"
)

// TestTempSwept removes what a killed process has left, and not what another one is
// writing.
func TestTempSwept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	left, users := filepath.Join(dir, tempPrefix+"left"), filepath.Join(dir, "user's")
	for _, path := range []string{left, users} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first, err := newTemp(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	second, err := newTemp(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("what a killed process has left is still there: %v", err)
	}
	for _, path := range []string{users, first.Name(), second.Name()} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}
