package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The lines of the page between which tables are written.
const (
	tablesBegin = "<!-- what follows is written by make bench-report -->\n"
	tablesEnd   = "<!-- the end of that -->\n"
)

// reportCommand writes the tables of a page and the chart beside it.
func reportCommand(args []string) error {
	flags := flag.NewFlagSet("report", flag.ContinueOnError)
	results := flags.String("results", "bin/benchmarks.json", "file with the figures")
	page := flags.String("page", "docs/performance.md", "page to write the tables into; the chart is beside it")
	if err := flags.Parse(args); err != nil {
		return err
	}
	all, err := readFigures(*results)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return fmt.Errorf("%s has no figures: run make bench", *results)
	}
	cells := collect(all)
	chart := strings.TrimSuffix(*page, filepath.Ext(*page)) + ".svg"
	return errors.Join(
		replaceBetween(*page, tablesBegin, tablesEnd, tables(cells)),
		os.WriteFile(chart, []byte(drawChart(cells)), 0o644),
	)
}

// replaceBetween replaces what a page has between two lines.
func replaceBetween(page, begin, end, text string) error {
	content, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(content), begin)
	_, after, foundEnd := strings.Cut(rest, end)
	if !found || !foundEnd {
		return fmt.Errorf("%s lacks the line %q or %q", page, begin, end)
	}
	return os.WriteFile(page, []byte(before+begin+text+end+after), 0o644)
}

// cell is all rounds of one tool in one scenario.
type cell struct {
	sample, link, scenario, tool string
	rounds                       []figures
}

// collect groups figures, in the order in which they came.
func collect(all []figures) []*cell {
	var cells []*cell
	for _, f := range all {
		c := find(cells, f.Sample, f.Link, f.Scenario, f.Tool)
		if c == nil {
			c = &cell{sample: f.Sample, link: f.Link, scenario: f.Scenario, tool: f.Tool}
			cells = append(cells, c)
		}
		c.rounds = append(c.rounds, f)
	}
	return cells
}

func find(cells []*cell, sample, link, scenario, tool string) *cell {
	for _, c := range cells {
		if c.sample == sample && c.link == link && c.scenario == scenario && c.tool == tool {
			return c
		}
	}
	return nil
}

// of returns the median of one figure.
func (c *cell) of(value func(figures) float64) float64 {
	var values []float64
	for _, f := range c.rounds {
		values = append(values, value(f))
	}
	return median(values)
}

// against returns the median of the ratios of two cells, round by round.
func (c *cell) against(other *cell, value func(figures) float64) string {
	var ratios []float64
	for i := range min(len(c.rounds), len(other.rounds)) {
		if divisor := value(other.rounds[i]); divisor > 0 {
			ratios = append(ratios, value(c.rounds[i])/divisor)
		}
	}
	if len(ratios) == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", median(ratios))
}

func phase(name string) func(figures) float64 {
	return func(f figures) float64 { return f.Phases[name] }
}

func whole(f figures) float64    { return f.Whole }
func cpu(f figures) float64      { return f.CPU }
func memoryMB(f figures) float64 { return float64(f.Memory) / 1e6 }
func inMemory(f figures) float64 { return float64(f.InMemory) / 1e6 }
func received(f figures) float64 { return float64(f.Received) / 1e6 }
func sent(f figures) float64     { return float64(f.Sent) / 1e6 }
func written(f figures) float64  { return float64(f.Written) / 1e6 }

// tables has one table for each sample and link.
func tables(cells []*cell) string {
	var b strings.Builder
	done := map[[2]string]bool{}
	for _, first := range cells {
		key := [2]string{first.sample, first.link}
		if done[key] {
			continue
		}
		done[key] = true
		fmt.Fprintf(&b, "\n### %s, %s\n\n", first.sample, first.link)
		b.WriteString("| build | tool | whole s | " + strings.Join(phaseNames(), " | ") + " | CPU s | memory MB | files in memory MB | received MB | sent MB | written MB |\n")
		b.WriteString(strings.Repeat("|---", 9+len(phaseNames())) + "|\n")
		for _, c := range cells {
			if c.sample != first.sample || c.link != first.link || c.tool == stockName {
				continue
			}
			c.row(&b)
			if stock := find(cells, c.sample, c.link, c.scenario, stockName); stock != nil {
				if c.tool == "pack-cache" {
					stock.row(&b)
				}
				c.ratios(&b, stock)
			}
		}
	}
	b.WriteString("\n")
	return b.String()
}

func (c *cell) row(b *strings.Builder) {
	fmt.Fprintf(b, "| %s (%d) | %s | %.2f", c.scenario, len(c.rounds), c.tool, c.of(whole))
	for _, name := range phaseNames() {
		fmt.Fprintf(b, " | %.2f", c.of(phase(name)))
	}
	fmt.Fprintf(b, " | %.2f | %.0f | %.0f | %.1f | %.2f | %.0f |\n", c.of(cpu), c.of(memoryMB), c.of(inMemory), c.of(received), c.of(sent), c.of(written))
}

func (c *cell) ratios(b *strings.Builder, stock *cell) {
	fmt.Fprintf(b, "| | **ratio** | **%s**", c.against(stock, whole))
	for _, name := range phaseNames() {
		fmt.Fprintf(b, " | %s", c.against(stock, phase(name)))
	}
	for _, value := range []func(figures) float64{cpu, memoryMB, inMemory, received, sent, written} {
		fmt.Fprintf(b, " | %s", c.against(stock, value))
	}
	b.WriteString(" |\n")
}

// colours of the phases in the chart.
func colours() map[string]string {
	return map[string]string{
		"prepare": "#9aa5b1", "analyze": "#616e7c", "detect": "#323f4b",
		"restore": "#2f80ed", "build": "#27ae60", "export": "#f2994a",
	}
}

// drawChart draws one bar for each cell: the phases of a build, one after the
// other. The first link of each sample is enough to see where time goes.
func drawChart(cells []*cell) string {
	const left, width, height, gap = 230, 640, 16, 6
	links := map[string]string{}
	var longest float64
	var shown []*cell
	for _, c := range cells {
		if links[c.sample] == "" {
			links[c.sample] = c.link
		}
		if links[c.sample] == c.link && c.scenario != "cold" {
			shown = append(shown, c)
			longest = max(longest, c.of(whole))
		}
	}
	slices.SortStableFunc(shown, func(a, b *cell) int { return strings.Compare(a.sample, b.sample) })
	var b strings.Builder
	total := (len(shown)+2)*(height+gap) + 10
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n", left+width+70, total)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="#ffffff"/>`+"\n")
	x := left
	for _, name := range slices.DeleteFunc(phaseNames(), func(n string) bool { return n == "cache" }) {
		fmt.Fprintf(&b, `<rect x="%d" y="6" width="12" height="12" fill="%s"/><text x="%d" y="16">%s</text>`+"\n", x, colours()[name], x+16, name)
		x += 80
	}
	for i, c := range shown {
		y := (i+1)*(height+gap) + 8
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s, %s, %s</text>`+"\n", left-8, y+12, c.sample, c.scenario, c.tool)
		at := float64(left)
		for _, name := range phaseNames() {
			if name == "cache" { // within export
				continue
			}
			w := c.of(phase(name)) / longest * width
			fmt.Fprintf(&b, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>`+"\n", at, y, w, height, colours()[name])
			at += w
		}
		fmt.Fprintf(&b, `<text x="%.1f" y="%d">%.1f s</text>`+"\n", at+6, y+12, c.of(whole))
	}
	b.WriteString("</svg>\n")
	return b.String()
}
