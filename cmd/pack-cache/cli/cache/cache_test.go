package cache

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/exit"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/global"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/iostreams"
)

// TestUsage refuses what makes no sense before any place is opened.
func TestUsage(t *testing.T) {
	for _, test := range []struct{ args, says, hint string }{
		{"inspect", "takes one cache, but none was given", ""},
		{"inspect type=locl,src=x", "attribute type: there is no \"locl\"", "did you mean local?"},
		{"inspect type=local,sorc=x", "unknown attribute \"sorc\"", "did you mean src?"},
		{"inspect type=local,src=x --output yaml", "--output \"yaml\" is not known", "text or json"},
		{"inspect type=named", "attribute name is missing", "add name="},
		{"inspect type=named,name=x,targt=y", "unknown attribute \"targt\"", "did you mean target?"},
		{"copy a", "takes two caches, but one was given", ""},
		{"copy r.example.com/a type=local,dest=b,mode=max", "TO: a copy is made byte for byte", "leave out mode"},
		{"copy r.example.com/a type=local,dest=b,compression=gzip", "TO: a copy is made byte for byte", ""},
		{"copy r.example.com/a type=local,src=b", "attribute src is for import only", ""},
		{"prune r.example.com/a", "nothing says which caches to delete", "--keep or --older-than"},
		{"prune r.example.com/a --keep -2", "--keep -2 is negative", ""},
		{"prune r.example.com/a --older-than 5x", "--older-than \"5x\" is not a duration", "30d"},
		{"prune r.example.com/a --older-than 0d", "--older-than 0 would delete every cache", "--keep 0"},
		{"prune type=local,src=x --unused-for -1h", "--unused-for \"-1h\" is not a duration", ""},
		{"prune --builders", "--builders without --older-than", ""},
		{"prune --builders --older-than 1d --keep 3", "--keep is for caches, not for builders", ""},
		{"prune --builders x", "takes no arguments", ""},
		{"lst", "has no command \"lst\"", ""},
	} {
		t.Run(test.args, func(t *testing.T) {
			t.Setenv("PACK_HOME", t.TempDir())
			t.Chdir(t.TempDir())
			streams, out, _ := iostreams.Test()
			cmd := NewCmdCache(&global.Flags{Streams: streams, Quiet: true})
			cmd.SetArgs(strings.Fields(test.args))
			cmd.SilenceErrors, cmd.SilenceUsage = true, true
			var text strings.Builder
			code := exit.Print(&text, cmd.ExecuteContext(t.Context()))
			if code != exit.CodeUsage || !strings.Contains(text.String(), test.says) || !strings.Contains(text.String(), test.hint) || out.Len() > 0 {
				t.Errorf("exit code %d, %q; want 2, %q and %q", code, text.String(), test.says, test.hint)
			}
		})
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]time.Duration{"30d": 720 * time.Hour, "0d": 0, "90m": 90 * time.Minute, "1h30m": 90 * time.Minute, "0s": 0} {
		got, err := duration("--x", written)
		if got != want || err != nil {
			t.Errorf("%s is %s, %v", written, got, err)
		}
	}
	for _, written := range []string{"", "d", "-1d", "1.5d", "99999999d", "3", "-1s"} {
		if got, err := duration("--x", written); err == nil {
			t.Errorf("%q is %s", written, got)
		}
	}
}

// TestNamesIn finds the caches that somebody names, so that no others are pruned.
func TestNamesIn(t *testing.T) {
	t.Parallel()
	c := &common{Flags: &global.Flags{}}
	for written, want := range map[string][]string{
		"r.example.com/team/cache":                 nil,
		"r.example.com:5000/team/cache":            nil,
		"r.example.com/team/cache:main":            {"main"},
		"type=registry,ref=r.example.com/c:latest": {"latest"},
		"type=local,src=x":                         nil,
		"type=local,src=x,tag=latest":              {"latest"},
		"type=s3,bucket=b":                         nil,
		"type=s3,bucket=b,name=branch;main":        {"branch", "main"},
	} {
		p, err := c.all(written)
		if diff := cmp.Diff(want, p.names); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", written, err, diff)
		}
	}
}
