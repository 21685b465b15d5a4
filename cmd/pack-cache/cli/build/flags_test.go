package build

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/global"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/iostreams"
)

// packFlags are the flags of `pack build` 0.40, each with its short form.
var packFlags = map[string]string{
	"path": "p", "builder": "B", "buildpack": "b", "pre-buildpack": "", "post-buildpack": "", "extension": "",
	"cache": "", "cache-image": "", "clear-cache": "", "creation-time": "", "descriptor": "d", "default-process": "D",
	"disable-system-buildpacks": "", "env": "e", "env-file": "", "network": "", "publish": "", "docker-host": "",
	"lifecycle-image": "", "platform": "", "pull-policy": "", "exec-env": "", "run-image": "", "tag": "t",
	"trust-builder": "", "trust-extra-buildpacks": "", "volume": "", "workspace": "", "uid": "", "gid": "",
	"previous-image": "", "sbom-output-dir": "", "report-output-dir": "", "insecure-registry": "", "userns-host": "",
	"buildpack-registry": "r", "interactive": "", "sparse": "",
}

func testCmd(t *testing.T) *cobra.Command {
	t.Helper()
	streams, _, _ := iostreams.Test()
	return NewCmdBuild(&global.Flags{Streams: streams}, nil)
}

// TestPackFlags holds docs/pack-flags.md against pack's flags and the real ones.
func TestPackFlags(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../../../docs/pack-flags.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	flags := testCmd(t).Flags()
	for _, row := range regexp.MustCompile("(?m)^\\| `--([a-z-]+)` \\| (?:`-(.)`)? ?\\| (\\w+) \\| (.*) ?\\|$").FindAllStringSubmatch(string(doc), -1) {
		name, short, status, how := row[1], row[2], row[3], strings.TrimSpace(row[4])
		documented[name] = short
		flag := flags.Lookup(name)
		switch {
		case flag == nil:
			t.Errorf("--%s is documented, and there is no such flag", name)
			continue
		case flag.Shorthand != short:
			t.Errorf("--%s has the short form %q", name, flag.Shorthand)
		case flag.Hidden != (status == "refused"):
			t.Errorf("--%s is %s", name, status)
		case status != "same" && how == "":
			t.Errorf("--%s does not say how it %s", name, status)
		}
		if status == "refused" {
			cmd := testCmd(t)
			cmd.SetArgs([]string{"image", "--" + name + "=x"})
			cmd.SilenceErrors, cmd.SilenceUsage = true, true
			if err := cmd.Execute(); err == nil || !strings.Contains(err.Error(), "--"+name+" is not possible: ") {
				t.Errorf("--%s gives %v", name, err)
			}
		}
	}
	if diff := cmp.Diff(packFlags, documented); diff != "" {
		t.Errorf("flags of pack (-) and of the document (+):\n%s", diff)
	}
}
