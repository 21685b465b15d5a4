package platform

import (
	"strings"
	"testing"
)

// TestGroupNames refuses what a hostile builder could call its buildpacks.
func TestGroupNames(t *testing.T) {
	t.Parallel()
	for id, good := range map[string]bool{
		"samples/flags": true, "me": true, "a.b/c_d/e-f": true, "a/../b": true, "../x": true,
		"": false, ".": false, "..": false, "/etc": false, "sbom": false, "config": false, "generated": false, "group.toml": false,
		"a\x1b[2Jb": false, "a\nb": false, "a\x00b": false, "a\u202eb": false, `a\b`: false,
	} {
		for what, g := range map[string]group{
			"buildpack": {Buildpacks: []groupMember{{ID: id, Version: "1"}}},
			"extension": {Extensions: []groupMember{{ID: id, Version: "1"}}},
		} {
			if err := g.checkNames(); (err == nil) != good {
				t.Errorf("%s %q: %v", what, id, err)
			} else if err != nil && !strings.Contains(err.Error(), "no buildpack can have the id ") {
				t.Errorf("%s %q: %v", what, id, err)
			}
		}
	}
	if err := (group{Buildpacks: []groupMember{{ID: "a", Version: "1\x1b"}}}).checkNames(); err == nil {
		t.Error("a version with a control character is taken")
	}
}
