package archtest

import (
	"os"
	"strings"
	"testing"
)

// TestConformance reads docs/conformance.md: it has every acceptance test of pack
// and of the lifecycle in the versions that go.mod has, and the tests that it
// names are there.
func TestConformance(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("../../docs/conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(content)
	known := map[string]map[string]bool{}
	for name, u := range map[string]upstream{
		"pack":      readUpstream(t, "internal/test/testservers/pack", "github.com/buildpacks/pack"),
		"lifecycle": readUpstream(t, ".", "github.com/buildpacks/lifecycle"),
	} {
		_, section, found := strings.Cut(page, "\n## "+name+" "+u.version+"\n")
		if !found {
			t.Errorf("the page has no section %q; are there new cases?", name+" "+u.version)
			continue
		}
		section, _, _ = strings.Cut(section, "\n## ")
		rows := conformanceRows(t, section)
		var parts []string
		for file := range u.cases {
			parts = append(parts, file)
		}
		for file, cases := range u.cases {
			for _, c := range cases {
				var about []string
				for _, r := range rows {
					if r.matches(file, c, parts) {
						r.used = true
						about = append(about, r.row)
					}
				}
				if len(about) != 1 {
					t.Errorf("%s, %s: %d rows for %s %q", name, file, len(about), c, about)
				}
			}
		}
		for _, r := range rows {
			if !r.used {
				t.Errorf("%s has no case for %s", name, r.row)
			}
			r.wantHeld(t, known)
		}
	}
}
