package kinds

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/pack-cache/pack-cache/internal/attrs"
)

// section is the attributes of one kind, or of all.
type section struct {
	title, help string
	attributes  []attrs.Attribute
}

func sections() []section {
	var found []section
	for _, kind := range all() {
		found = append(found, section{"type=" + kind.name, kind.help, attrs.Describe(kind.attributes())})
	}
	return append(found, section{"Every type", "Attributes that every type has.", attrs.Describe(generalAttrs{})})
}

// Secrets lists the names of attributes that are secret.
func Secrets() []string {
	var names []string
	for _, s := range sections() {
		for _, a := range s.attributes {
			if a.Secret {
				names = append(names, a.Name)
			}
		}
	}
	return names
}

// Help describes all kinds and their attributes for a terminal.
func Help() string {
	var b strings.Builder
	b.WriteString(`Where a cache is kept is written as attributes, type=TYPE,NAME=VALUE,…, one CSV
record; "NAME=a,b" quotes a value with a comma. A value without = is an image.
`)
	for _, s := range sections() {
		fmt.Fprintf(&b, "\n  %s: %s\n", s.title, s.help)
		table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		for _, a := range s.attributes {
			fmt.Fprintf(table, "    %s=%s\t%s\t%s\n", a.Name, placeholder(a), uses(a), summary(a))
		}
		table.Flush()
	}
	return strings.TrimRight(b.String(), "\n")
}

// Table describes all kinds and their attributes in Markdown.
func Table() string {
	var b strings.Builder
	for _, s := range sections() {
		fmt.Fprintf(&b, "### %s\n\n%s\n\n", s.title, s.help)
		if len(s.attributes) == 0 {
			continue
		}
		b.WriteString("| attribute | for | default | meaning |\n|---|---|---|---|\n")
		for _, a := range s.attributes {
			fmt.Fprintf(&b, "| `%s=%s` | %s | %s | %s |\n", a.Name, escape(placeholder(a)), uses(a), escape(fallback(a)), escape(a.Help))
		}
		b.WriteString("\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// placeholder is what a value looks like.
func placeholder(a attrs.Attribute) string {
	if len(a.Values) > 0 || a.Form == "bool" {
		return a.Form
	}
	return strings.ToUpper(a.Form)
}

func uses(a attrs.Attribute) string {
	if a.Only == "" {
		return "import, export"
	}
	return a.Only
}

// fallback is what the attribute is if it is not given.
func fallback(a attrs.Attribute) string {
	var all []string
	if a.Env != "" {
		all = append(all, "$"+a.Env)
	}
	if a.Default != "" {
		all = append(all, a.Default)
	}
	if a.Required {
		all = append(all, "required")
	}
	return strings.Join(all, ", else ")
}

func summary(a attrs.Attribute) string {
	switch text := fallback(a); text {
	case "":
		return a.Help
	case "required":
		return a.Help + " (required)"
	default:
		return a.Help + " (default: " + text + ")"
	}
}

// escape keeps a cell of a table together.
func escape(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
