package build

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/lifecycle/phases"
	"github.com/pack-cache/pack-cache/platform"
)

// TestLayerTable stays readable whatever reasons there are: they are below it, each
// once.
func TestLayerTable(t *testing.T) {
	t.Parallel()
	const long = "cannot read registry.example.com/team/cache: the registry has not answered for 30 s, and the build does not wait longer for a cache"
	res := &platform.Result{Layers: []platform.LayerResult{
		{Layer: "samples/java-maven:jdk", Restore: "missed", RestoreReason: long, Save: "added", Sent: 67 << 20, SaveSeconds: 1.5},
		{Layer: "samples/java-maven:maven_m2", Restore: "missed", RestoreReason: long, Save: "reused"},
		{Layer: "samples/java-maven:other", Restore: "missed", RestoreReason: "not cached", Save: "failed", SaveReason: "cannot be read: permission denied"},
		{Layer: "samples/java-maven:third", Restore: "restored", Received: 1 << 20, RestoreSeconds: 0.5, Save: "reused"},
	}}
	var out strings.Builder
	layerTable(&out, res)
	want := `  samples/java-maven:jdk       missed [1]                  added (70.3 MB sent in 1.5 s)
  samples/java-maven:maven_m2  missed [1]                  reused
  samples/java-maven:other     missed: not cached          failed [2]
  samples/java-maven:third     restored (1.0 MB in 0.5 s)  reused
  [1] ` + long + `
  [2] cannot be read: permission denied
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}

	res.Layers[0].Layer = strings.Repeat("very-long/", 20) + "id:layer"
	res.Layers[3].From = "registry.example.com/a-very-long-name/of-a-team/cache:of-the-main-branch"
	res.Imports = make([]phases.ImportOutcome, 2)
	out.Reset()
	layerTable(&out, res)
	for line := range strings.Lines(out.String()) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > tableWidth && !strings.HasPrefix(line, "  [") {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if !strings.Contains(out.String(), "…") || !strings.Contains(out.String(), "id:layer  missed [1]") {
		t.Errorf("the long name is not shortened:\n%s", out.String())
	}
}
