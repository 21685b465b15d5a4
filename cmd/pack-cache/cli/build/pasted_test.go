package build

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/exit"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/global"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/iostreams"
	"github.com/pack-cache/pack-cache/layers/kinds"
	"github.com/pack-cache/pack-cache/platform"
)

// TestPasted reads docs/pasted.md: what other tools' lines ask for here, or the
// hint with which they are refused.
func TestPasted(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("ACTIONS_RESULTS_URL", "https://results.example.com/")
	t.Setenv("ACTIONS_RUNTIME_TOKEN", "token")
	doc, err := os.ReadFile("../../../../docs/pasted.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| ([a-z-]+) \\| `(.*)` \\| (as|refused:) `(.*)` \\|$").FindAllStringSubmatch(string(doc), -1)
	if lines := strings.Count(string(doc), "\n| "); len(rows) != lines-1 || len(rows) < 60 {
		t.Fatalf("%d rows in %d lines", len(rows), lines)
	}
	for _, row := range rows {
		line, how, want := row[2], row[3], row[4]
		got, err := pasted(line)
		if how == "refused:" {
			var said bytes.Buffer
			if exit.Print(&said, err) != exit.CodeUsage || !strings.Contains(strings.ReplaceAll(said.String(), "`", ""), want) {
				t.Errorf("%s\nis not refused with %q: %v %s", line, want, err, &said)
			}
			continue
		}
		same, sameErr := pasted(want)
		travels := cmp.Comparer(func(a, b kinds.Place) bool {
			x, errX := json.Marshal(a)
			y, errY := json.Marshal(b)
			return errX == nil && errY == nil && bytes.Equal(x, y)
		})
		if err != nil || sameErr != nil {
			t.Errorf("%s\n%v, %v", line, err, sameErr)
		} else if diff := cmp.Diff(same, got, travels, cmpopts.EquateComparable(), cmpopts.EquateApproxTime(1e10)); diff != "" {
			t.Errorf("%s\n%s", line, diff)
		}
	}
}

// asked is what a line asks for.
type asked struct {
	platform.Options
	Verbose, Quiet, JSON bool
}

// pasted returns what a line asks for.
func pasted(line string) (*asked, error) {
	streams, _, _ := iostreams.Test()
	g := &global.Flags{Streams: streams}
	var got *asked
	cmd := NewCmdBuild(g, func(_ context.Context, o *Options) error {
		got = &asked{o.Options, g.Verbose, g.Quiet, o.output.JSON}
		return nil
	})
	g.Add(cmd)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(strings.Fields(strings.ReplaceAll(line, `"`, "")))
	err := cmd.Execute()
	return got, err
}
