package layers

import (
	"os"
	"path/filepath"
	"testing"
)

// TestUnchanged tells a launch layer that is as it was restored from
// one that a build has touched.
func TestUnchanged(t *testing.T) {
	t.Parallel()
	jdk := cacheLayer("samples/java", "jdk", true)
	store := newFakeStore()
	m := newMachine(t, store, "samples/java")
	m.req.ArchivePrefix = m.layersDir
	m.makes(jdk, "bin/java", "lib/modules")
	m.save()
	snapshot, err := Load(t.Context(), store, "latest")
	must(t, err)
	dir := filepath.Join(m.layersDir, jdk.ID.Dir())
	built := Built{LayersDir: m.layersDir, StateDir: m.req.StateDir, UID: m.req.UID, GID: m.req.GID}
	tests := []struct {
		name   string
		change func() error
		want   bool
	}{
		{"as restored", func() error { return nil }, true},
		{"not restored", func() error { return forgetFingerprint(m.req.StateDir, jdk.ID.Dir()) }, false},
		{"another content of the same size", func() error {
			return os.WriteFile(filepath.Join(dir, "bin/java"), []byte("CONTENT of bin/java"), 0o644)
		}, false},
		{"another mode", func() error { return os.Chmod(filepath.Join(dir, "bin/java"), 0o755) }, false},
		{"a file more", func() error { return os.WriteFile(filepath.Join(dir, "release"), nil, 0o644) }, false},
		{"a file less", func() error { return os.Remove(filepath.Join(dir, "bin/java")) }, false},
	}
	for _, test := range tests {
		must(t, os.RemoveAll(dir))
		m.restore(snapshot, jdk.ID)
		must(t, test.change())
		got, err := built.Unchanged(t.Context(), jdk.ID)
		must(t, err)
		want := ""
		if test.want {
			want = previousDiffID(snapshot, jdk.ID)
		}
		if got != want {
			t.Errorf("%s: %q instead of %q", test.name, got, want)
		}
	}
	built.UID++
	must(t, os.RemoveAll(dir))
	m.restore(snapshot, jdk.ID)
	if got, err := built.Unchanged(t.Context(), jdk.ID); err != nil || got != "" {
		t.Errorf("for another owner: %q, %v", got, err)
	}
}
