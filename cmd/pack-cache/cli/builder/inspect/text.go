package inspect

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/pack-cache/pack-cache/builder"
	"github.com/pack-cache/pack-cache/internal/plain"
	"github.com/pack-cache/pack-cache/platform"
)

// text writes what is known of a builder for people.
func text(info *platform.BuilderInfo) string {
	var b strings.Builder
	d := info.Remote
	what := "Builder"
	if info.Default {
		what = "Default builder"
	}
	trusted := "No"
	if info.Trusted {
		trusted = "Yes"
	}
	_, reason, _ := strings.Cut(info.Reason, ": ")
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s: %s", what, info.Name)
	line("Digest: %s", d.Digest)
	line("Created: %s", d.Created.Format(time.RFC3339))
	line("Platform: %s", platformOf(d.Target))
	line("Trusted: %s, %s", trusted, reason)
	if d.Description != "" {
		line("Description: %s", d.Description)
	}
	if d.CreatedBy.Name != "" {
		line("Created By: %s %s", d.CreatedBy.Name, d.CreatedBy.Version)
	}
	if d.Stack != nil {
		line("Stack: %s", d.Stack.ID)
	}
	line("\nLifecycle:\n  Version: %s", orNone(d.Lifecycle.Version))
	line("  Buildpack APIs:\n    Deprecated: %s\n    Supported: %s", list(d.Lifecycle.BuildpackAPIs.Deprecated), list(d.Lifecycle.BuildpackAPIs.Supported))
	line("  Platform APIs:\n    Deprecated: %s\n    Supported: %s", list(d.Lifecycle.PlatformAPIs.Deprecated), list(d.Lifecycle.PlatformAPIs.Supported))
	line("\nRun Images:\n%s", runImages(d.RunImages))
	line("\nBuildpacks:\n%s", modules(d.Buildpacks))
	line("\nDetection Order:\n%s", order(d.Order))
	if len(d.Extensions) > 0 {
		line("\nExtensions:\n%s", modules(d.Extensions))
		line("\nDetection Order (Extensions):\n%s", order(d.OrderExtensions))
	}
	return plain.Text(b.String())
}

func platformOf(t builder.Target) string {
	said := strings.Trim(strings.Join([]string{t.OS, t.Architecture, t.Variant}, "/"), "/")
	if t.DistroName == "" {
		return said
	}
	return fmt.Sprintf("%s, %s %s", said, t.DistroName, t.DistroVersion)
}

func orNone(s string) string { return cmp.Or(s, "(none)") }

func list(all []string) string { return orNone(strings.Join(all, ", ")) }

func runImages(images []builder.NamedImage) string {
	var lines []string
	for _, image := range images {
		line := "  " + image.Name
		if image.UserConfigured {
			line += " (user-configured)"
		}
		lines = append(lines, line)
	}
	return cmp.Or(strings.Join(lines, "\n"), "  (none)")
}

func modules(all []builder.ModuleInfo) string {
	if len(all) == 0 {
		return "  (none)"
	}
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "  ID\tNAME\tVERSION\tHOMEPAGE")
	for _, m := range all {
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", m.ID, cmp.Or(m.Name, "-"), m.Version, cmp.Or(m.Homepage, "-"))
	}
	table.Flush()
	return strings.TrimSuffix(b.String(), "\n")
}

// order writes an order as a tree.
func order(groups []builder.OrderEntry) string {
	var lines []string
	var write func(entries []builder.OrderEntry, indent string)
	write = func(entries []builder.OrderEntry, indent string) {
		number := 0
		for i, entry := range entries {
			branch, trunk := " ├ ", " │ "
			if i == len(entries)-1 {
				branch, trunk = " └ ", "   "
			}
			title := member(entry)
			if len(entry.Group) > 0 {
				number++
				title = strings.TrimSpace(fmt.Sprintf("%s Group #%d:", title, number))
			}
			lines = append(lines, indent+branch+title)
			write(entry.Group, indent+trunk)
		}
	}
	write(groups, " ")
	return cmp.Or(strings.Join(lines, "\n"), "  (none)")
}

func member(entry builder.OrderEntry) string {
	if entry.ID == "" {
		return ""
	}
	title := entry.ID
	if entry.Version != "" {
		title += "@" + entry.Version
	}
	if entry.Optional {
		title += " (optional)"
	}
	if entry.Cyclical {
		title += " (cyclic)"
	}
	return title
}
