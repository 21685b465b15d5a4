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
	"github.com/pack-cache/pack-cache/layers/kinds"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/sandbox"
)

func newRoot(t *testing.T) (*cobra.Command, *bytes.Buffer) {
	t.Helper()
	streams, out, _ := iostreams.Test()
	cmd := root.NewCmdRoot(&global.Flags{Streams: streams, Engines: []lifecycle.Engine{sandbox.New(sandbox.Config{})}, Caches: kinds.All()})
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
