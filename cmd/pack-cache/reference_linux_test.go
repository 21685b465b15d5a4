package main

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/global"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/iostreams"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/root"
)

var update = flag.Bool("update", false, "rewrite docs/cli")

// reference is where the pages of all commands are.
const reference = "../../docs/cli"

// TestReference holds docs/cli against the commands.
func TestReference(t *testing.T) {
	t.Parallel()
	want := map[string]string{}
	streams, _, _ := iostreams.Test()
	pages(t, root.NewCmdRoot(&global.Flags{Streams: streams, Engines: engines()}), want)
	if *update {
		if err := os.RemoveAll(reference); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(reference, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, page := range want {
			if err := os.WriteFile(filepath.Join(reference, name), []byte(page), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	files, err := filepath.Glob(reference + "/*")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, file := range files {
		page, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got[filepath.Base(file)] = string(page)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("the pages of docs/cli; `go test ./cmd/pack-cache -update` writes them (-want +got):\n%s", diff)
	}
	for name, page := range got {
		if diff := cmp.Diff(want[name], page); diff != "" {
			t.Errorf("docs/cli/%s; `go test ./cmd/pack-cache -update` writes it (-want +got):\n%s", name, diff)
		}
	}
}

// pages writes the page of a command, and those of all commands below it that
// users see.
func pages(t *testing.T, cmd *cobra.Command, to map[string]string) {
	t.Helper()
	if !cmd.IsAvailableCommand() || cmd.IsAdditionalHelpTopicCommand() {
		return
	}
	for _, sub := range cmd.Commands() {
		pages(t, sub, to)
	}
	cmd.DisableAutoGenTag = true
	if cmd.Long != "" { // is laid out for a terminal
		cmd.Long = "```text\n" + strings.TrimSpace(cmd.Long) + "\n```"
	}
	var page bytes.Buffer
	if err := doc.GenMarkdown(cmd, &page); err != nil {
		t.Fatal(err)
	}
	to[strings.ReplaceAll(cmd.CommandPath(), " ", "_")+".md"] = strings.TrimSpace(page.String()) + "\n"
}
