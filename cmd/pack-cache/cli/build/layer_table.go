package build

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/units"
	"github.com/pack-cache/pack-cache/platform"
)

// tableWidth is how wide the table of layers may be, in columns of a terminal.
const tableWidth = 100

// layerTable writes what became of each layer, a line each. Reasons that would make
// the lines too wide stand below the table, each once.
func layerTable(w io.Writer, res *platform.Result) {
	var below notes
	rows := make([][3]string, 0, len(res.Layers))
	var wide [3]int // of each column
	for _, l := range res.Layers {
		row := [3]string{l.Layer, below.restore(l, len(res.Imports) > 1), below.save(l)}
		rows = append(rows, row)
		for column := range row {
			wide[column] = max(wide[column], utf8.RuneCountInString(row[column]))
		}
	}
	const gaps = 3 * 2
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintf(table, "  %s\t%s\t%s\n", middleOut(row[0], max(tableWidth-gaps-wide[1]-wide[2], 24)), row[1], row[2])
	}
	table.Flush()
	for i, note := range below {
		fmt.Fprintf(w, "  [%d] %s\n", i+1, note)
	}
}

// middleOut shortens a text to so many characters by leaving out its middle.
func middleOut(text string, most int) string {
	all := []rune(text)
	if len(all) <= most {
		return text
	}
	head := (most - 1) / 2
	return string(all[:head]) + "…" + string(all[len(all)-(most-1-head):])
}

// notes are texts that stand below the table.
type notes []string

// shortReason is how long a reason may be in its line, in characters.
const shortReason = 20

// with is what became of a layer and why: in full if that is short, and otherwise
// with the number of a note.
func (n *notes) with(what, link, why string) string {
	switch {
	case why == "":
		return what
	case utf8.RuneCountInString(why) <= shortReason:
		return what + link + why
	}
	at := slices.Index(*n, why)
	if at < 0 {
		at = len(*n)
		*n = append(*n, why)
	}
	return fmt.Sprintf("%s [%d]", what, at+1)
}

// restore says what was restored, and from which of several imports.
func (n *notes) restore(l platform.LayerResult, several bool) string {
	switch l.Restore {
	case "restored":
		what := fmt.Sprintf("restored (%s in %.1f s)", units.Size(l.Received), l.RestoreSeconds)
		if !several {
			return what
		}
		return n.with(what, " ", "from "+l.From)
	case "":
		return "not needed"
	}
	return n.with("missed", ": ", l.RestoreReason)
}

func (n *notes) save(l platform.LayerResult) string {
	switch l.Save {
	case "added", "updated":
		return fmt.Sprintf("%s (%s sent in %.1f s)", l.Save, units.Size(l.Sent), l.SaveSeconds)
	case "", "reused":
		return l.Save
	}
	return n.with(l.Save, ": ", l.SaveReason)
}
