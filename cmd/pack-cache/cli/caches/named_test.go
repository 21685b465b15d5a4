package caches

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOwnFile takes the file beside config.toml for the user's own, unless it is
// in the checkout that is built.
func TestOwnFile(t *testing.T) {
	const toml = "[[image_caches]]\nname = \"team\"\nprovider = \"registry\"\nurl = \"r.example.com\"\nimage_tag = \"x\"\n"
	for _, test := range []struct {
		name, packHome, source string
		own                    bool
	}{
		{"elsewhere", "home/.pack", "checkout/app", true},
		{"below the source", "checkout/app/.pack", "checkout/app", false},
		{"in the same checkout", "checkout/.pack", "checkout/app", false},
		{"in the checkout, without a source", "checkout/.pack", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, sub := range []string{test.packHome, "checkout/app", "checkout/.git"} {
				if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(dir, test.packHome, "pack-cache.toml"), []byte(toml), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PACK_HOME", filepath.Join(dir, test.packHome))
			t.Chdir(filepath.Join(dir, "checkout"))
			source := test.source
			if source != "" {
				source = filepath.Join(dir, source)
			}
			found, err := new(NamedFlags).Find("team", source)
			if test.own {
				if err != nil || !found.Own {
					t.Errorf("%v, %v", found, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), "only this file names the registry r.example.com") {
				t.Errorf("%v, %v", found, err)
			}
			if found, err := (&NamedFlags{hosts: []string{"r.example.com"}}).Find("team", source); err != nil || found.Own {
				t.Errorf("with --trust-cache-host: %v, %v", found, err)
			}
		})
	}
}
