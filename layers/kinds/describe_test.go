package kinds

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the table in docs/caches.md")

const (
	doc   = "../../docs/caches.md"
	begin = "<!-- what follows is written by go test ./layers/kinds -update -->\n"
	end   = "<!-- the end of that -->\n"
)

// TestTable holds the documentation against the structs that parse.
func TestTable(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(raw), begin)
	table, after, foundEnd := strings.Cut(rest, end)
	if !found || !foundEnd {
		t.Fatalf("%s lacks the lines around the table", doc)
	}
	want := "\n" + Table() + "\n"
	if *update {
		if err := os.WriteFile(doc, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, table); diff != "" {
		t.Errorf("%s (-want +got):\n%s", doc, diff)
	}
}

// TestHelp checks that the help has every attribute of every kind.
func TestHelp(t *testing.T) {
	t.Parallel()
	help := Help()
	for _, s := range sections() {
		for _, a := range s.attributes {
			if !strings.Contains(help, "    "+a.Name+"=") || a.Help == "" {
				t.Errorf("%s: %s is not explained", s.title, a.Name)
			}
		}
	}
	for line := range strings.Lines(help) {
		if strings.Contains(line, "\t") {
			t.Errorf("a tab in %q", line)
		}
	}
}
