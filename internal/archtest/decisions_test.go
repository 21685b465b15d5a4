package archtest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDesignIsShort keeps docs/design.md an overview, and every decision a page.
func TestDesignIsShort(t *testing.T) {
	t.Parallel()
	bounds := map[string]int{"docs/design.md": 1500}
	for _, record := range records(t) {
		bounds["docs/decisions/"+record] = 600
	}
	for file, most := range bounds {
		if words := len(strings.Fields(read(t, file))); words > most {
			t.Errorf("%s has %d words, and may have %d", file, words, most)
		}
	}
}

// TestDecisions wants records that are numbered without gaps, have the same
// headings, and are all listed in the index.
func TestDecisions(t *testing.T) {
	t.Parallel()
	index := read(t, "docs/decisions/README.md")
	for i, record := range records(t) {
		if !strings.HasPrefix(record, fmt.Sprintf("%04d-", i+1)) {
			t.Errorf("%s: the number is not %d", record, i+1)
		}
		text := read(t, "docs/decisions/"+record)
		title, _, _ := strings.Cut(text, "\n")
		title, numbered := strings.CutPrefix(title, fmt.Sprintf("# %d. ", i+1))
		if line := fmt.Sprintf("\n%d. [%s](%s)\n", i+1, title, record); !numbered || !strings.Contains(index, line) {
			t.Errorf("README.md lacks the line %q", strings.TrimSpace(line))
		}
		headings := strings.Join(regexp.MustCompile(`(?m)^## .*$`).FindAllString(text, -1), " ")
		if headings != "## Context ## Decision ## Reasons ## Refused ## Consequences" {
			t.Errorf("%s has the headings %s", record, headings)
		}
	}
}

// records are the names of the decision records, in order.
func records(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../../docs/decisions/[0-9]*.md")
	if err != nil || len(files) == 0 {
		t.Fatal("no records", err)
	}
	for i := range files {
		files[i] = filepath.Base(files[i])
	}
	return files
}

// TestLinks follows every link between pages.
func TestLinks(t *testing.T) {
	t.Parallel()
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "examples/*/*.md"} {
		found, err := filepath.Glob(filepath.Join("../..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range regexp.MustCompile(`\]\(([^)#\s]+)(#[^)]*)?\)`).FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(link[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), link[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", page, link[1])
			}
		}
	}
}

// TestTenChanges looks for the files that docs/layout.md says ten changes touch.
func TestTenChanges(t *testing.T) {
	t.Parallel()
	_, changes, found := strings.Cut(read(t, "docs/layout.md"), "\n## What ten changes touch\n")
	if rows := strings.Count(changes, "\n| "); !found || rows != 11 {
		t.Fatalf("there are %d rows with the heading", rows)
	}
	for _, name := range regexp.MustCompile("`([a-z]+/[a-zA-Z0-9_./-]+)`").FindAllStringSubmatch(changes, -1) {
		if _, err := os.Stat(filepath.Join("../..", name[1])); err != nil {
			t.Errorf("docs/layout.md: %v", err)
		}
	}
}
