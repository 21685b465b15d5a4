package archtest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// conformanceRow is a row of a table in docs/conformance.md.
type conformanceRow struct {
	// part is the heading above it: a file of acceptance tests, or else anything.
	part string
	// names are the end of a case, from the "when" that makes it unique to its
	// "it"; or a "when" and "all cases".
	names           []string
	here, held, row string
	used            bool
}

const allCases = "all cases"

// matches says whether the row is about a case in a file.
func (r *conformanceRow) matches(file string, c upstreamCase, parts []string) bool {
	if slices.Contains(parts, r.part) && r.part != file {
		return false
	}
	last := len(r.names) - 1
	if r.names[last] != allCases {
		return len(c) > last && slices.Equal(c[len(c)-last-1:], r.names)
	}
	for i := range c {
		if i+last < len(c) && slices.Equal(c[i:i+last], r.names[:last]) {
			return true
		}
	}
	return false
}

// conformanceRows reads the tables of a section.
func conformanceRows(t *testing.T, section string) []*conformanceRow {
	t.Helper()
	var rows []*conformanceRow
	part := ""
	for line := range strings.Lines(section) {
		line = strings.TrimSpace(line)
		if heading, ok := strings.CutPrefix(line, "### "); ok {
			part = heading
		}
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| case |") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), " | ")
		if len(cells) != 3 {
			t.Errorf("%d cells instead of three: %s", len(cells), line)
			continue
		}
		names := strings.Split(strings.ReplaceAll(strings.TrimSpace(cells[0]), "`", ""), " / ")
		rows = append(rows, &conformanceRow{part: part, names: names, here: strings.TrimSpace(cells[1]), held: strings.TrimSpace(cells[2]), row: line})
	}
	return rows
}

// wantHeld fails unless a row says what holds it, or why nothing does. known are
// the tests of packages that were looked at before.
func (r *conformanceRow) wantHeld(t *testing.T, known map[string]map[string]bool) {
	t.Helper()
	tests := heldBy.FindAllStringSubmatch(r.held, -1)
	switch {
	case r.here != "same" && r.here != "differs" && r.here != "not applicable":
		t.Errorf("neither same nor differs nor not applicable: %s", r.row)
	case r.here == "same" && len(tests) == 0:
		t.Errorf("no test holds %s", r.row)
	case r.here != "same" && strings.TrimSpace(heldBy.ReplaceAllString(r.held, "")) == "":
		t.Errorf("no reason: %s", r.row)
	}
	for _, test := range tests {
		pkg, function, sub := test[1], test[2], test[3]
		if known[pkg] == nil {
			known[pkg] = testsOf(t, pkg)
		}
		if !known[pkg][function] {
			t.Errorf("there is no %s in %s", function, pkg)
		} else if sub != "" && !hasText(t, pkg, sub) {
			t.Errorf("nothing in %s is called %q", pkg, sub)
		}
	}
}

// heldBy is how docs/conformance.md names a test: its package, its function and
// maybe its subtest, as it is written in the source.
var heldBy = regexp.MustCompile("`([a-z0-9/-]+)\\.((?:Test|Fuzz)[A-Za-z0-9]+)(?:/([^`]+))?`")

// hasText says whether a test file of a package has a string.
func hasText(t *testing.T, dir, text string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../..", dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(path string) bool {
		content, err := os.ReadFile(path)
		return err == nil && strings.Contains(string(content), `"`+text+`"`)
	})
}
