package testran

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pack-cache/pack-cache/internal/test/testservers"
)

const (
	begin = "<!-- what follows is written by make compatibility -->\n"
	end   = "<!-- the end of that -->\n"
	head  = "| peer | version | what was done | by | test |\n|---|---|---|---|---|\n"
)

// Page is docs/compatibility.md.
type Page struct {
	path, before, after string
	// Rows are those of the tables.
	Rows []Row
}

// Read reads the page in the source that the working directory is in.
func Read() (*Page, error) {
	root, err := testservers.ModuleRoot()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(root, "docs", "compatibility.md")
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	before, rest, found := strings.Cut(string(raw), begin)
	tables, after, foundEnd := strings.Cut(rest, end)
	if !found || !foundEnd {
		return nil, fmt.Errorf("%s lacks the lines around the tables", path)
	}
	rows, err := parse(tables)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &Page{path, before, after, rows}, nil
}

// Write writes the page with its rows.
func (p *Page) Write() error {
	return os.WriteFile(p.path, []byte(p.before+begin+format(p.Rows)+end+p.after), 0o644)
}

// format writes sorted rows as one table for each subject.
func format(rows []Row) string {
	var b strings.Builder
	subject := ""
	for _, r := range rows {
		if r.Subject != subject {
			subject = r.Subject
			fmt.Fprintf(&b, "\n## %s\n\n%s", subject, head)
		}
		by := r.By
		if by == "" {
			by = "CI"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | `%s` |\n", r.Peer, r.Version, r.Done, by, r.Test)
	}
	return b.String() + "\n"
}

// parse reads what format has written.
func parse(tables string) (rows []Row, err error) {
	subject := ""
	for line := range strings.Lines(strings.ReplaceAll(tables, head, "")) {
		line = strings.TrimSpace(line)
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			subject = heading
		} else if line != "" {
			cells := strings.Split(strings.TrimSuffix(strings.TrimPrefix(line, "| "), " |"), " | ")
			if len(cells) != 5 || !strings.Contains(cells[4], ".") {
				return nil, fmt.Errorf("not a row: %q", line)
			}
			row := Row{subject, cells[0], cells[1], cells[2], cells[3], strings.Trim(cells[4], "`")}
			if row.By == "CI" {
				row.By = ""
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}
