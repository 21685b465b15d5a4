package root_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/exit"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/global"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/iostreams"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/root"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/sandbox"
)

func newRoot(t *testing.T) (*cobra.Command, *bytes.Buffer) {
	t.Helper()
	streams, out, _ := iostreams.Test()
	cmd := root.NewCmdRoot(&global.Flags{Streams: streams, Engines: []lifecycle.Engine{sandbox.New(sandbox.Config{})}})
	return cmd, out
}

// TestHelp wants every command to say what it does, with an example that begins
// with the command.
func TestHelp(t *testing.T) {
	t.Parallel()
	cmd, _ := newRoot(t)
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		if cmd.Hidden || cmd.Name() == "help" {
			return
		}
		path := cmd.CommandPath()
		if cmd.Short == "" || cmd.Long == "" {
			t.Errorf("`%s` does not say what it does", path)
		}
		if !strings.Contains(cmd.Example, path) {
			t.Errorf("`%s` has no example of itself: %q", path, cmd.Example)
		}
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	visit(cmd)
}

// TestCompletion writes a script for every shell, and completes what it can know.
func TestCompletion(t *testing.T) {
	t.Setenv("PACK_HOME", t.TempDir())
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		cmd, out := newRoot(t)
		cmd.SetArgs([]string{"completion", shell})
		if err := cmd.Execute(); err != nil || !strings.Contains(out.String(), "pack-cache") {
			t.Errorf("%s: %v, %d bytes", shell, err, out.Len())
		}
	}
	for line, want := range map[string]string{
		"b":                           "build\tBuild an app image",
		"build --eng":                 "--engine\t",
		"build --engine ":             "auto\nsandbox\n",
		"build --pull-policy ":        "always\nif-not-present\nnever\n",
		"build --network ":            "host\nnone\n",
		"config pull-policy ":         "always\nif-not-present\nnever\n",
		"builder inspect --output ":   "text\njson\n",
		"config registry-mirrors re":  "remove\t",
		"config trusted-builders add": "add\t",
	} {
		cmd, out := newRoot(t)
		cmd.SetArgs(append([]string{"__complete"}, strings.Split(line, " ")...))
		if err := cmd.Execute(); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%q: %v, %q lacks %q", line, err, out, want)
		}
	}
	cmd, out := newRoot(t)
	cmd.SetArgs([]string{"__complete", "build", "--inter"})
	if err := cmd.Execute(); err != nil || strings.Contains(out.String(), "--interactive") {
		t.Errorf("flags that are refused are offered: %v, %s", err, out)
	}
}

// TestUnknownCommand gives a command that there is not.
func TestUnknownCommand(t *testing.T) {
	t.Parallel()
	cmd, _ := newRoot(t)
	cmd.SetArgs([]string{"some-bad-command"})
	var said bytes.Buffer
	code := exit.Print(&said, cmd.Execute())
	if code != 2 || !strings.Contains(said.String(), "has no command \"some-bad-command\"") || !strings.Contains(said.String(), "see `pack-cache --help`") {
		t.Errorf("exit code %d: %s", code, said.String())
	}
}

// TestDidYouMean misspells commands and flags.
func TestDidYouMean(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"buid":                          "did you mean build? see `pack-cache --help`",
		"cache inspct x":                "did you mean inspect? see `pack-cache cache --help`",
		"build app --cache-imge x":      "did you mean --cache-image? see `pack-cache build --help`",
		"build app --bulder x":          "did you mean --builder? ",
		"build app --interactiv":        "HINT: see `pack-cache build --help`", // it is refused
		"build app --frobnicate":        "HINT: see `pack-cache build --help`",
		"config trusted-builders ad x":  "did you mean add? ",
		"build app -Z":                  "HINT: see `pack-cache build --help`",
		"cache prune --dryrun registry": "did you mean --dry-run? ",
	} {
		cmd, _ := newRoot(t)
		cmd.SetArgs(strings.Fields(line))
		var said bytes.Buffer
		if code := exit.Print(&said, cmd.Execute()); code != exit.CodeUsage || !strings.Contains(said.String(), want) {
			t.Errorf("%q: exit code %d, %s", line, code, &said)
		}
	}
}

// TestVersion asks in both ways that are usual.
func TestVersion(t *testing.T) {
	t.Parallel()
	for _, arg := range []string{"version", "--version"} {
		streams, out, _ := iostreams.Test()
		cmd := root.NewCmdRoot(&global.Flags{Streams: streams, Version: "v1.2.3"})
		cmd.SetArgs([]string{arg})
		if err := cmd.Execute(); err != nil || !strings.HasPrefix(out.String(), "v1.2.3") || strings.Count(out.String(), "\n") != 1 {
			t.Errorf("%s: %v, %q", arg, err, out)
		}
	}
}
