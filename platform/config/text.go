package config

import (
	"iter"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// The edits here propose texts, the one that changes least first, and take the
// first that decodes to what is wanted. So a line that only looks like the right
// one, in a string of several lines, does no harm.

// settle returns the first proposal that decodes to want, an empty table or list
// being as good as none.
func settle(want map[string]any, proposals iter.Seq[string]) (string, error) {
	for text := range proposals {
		if got, err := decodeAll(text); err == nil && reflect.DeepEqual(filled(got), filled(want)) {
			return text, nil
		}
	}
	return "", errByHand
}

// filled leaves out tables and lists at the top that are empty.
func filled(all map[string]any) map[string]any {
	all = maps.Clone(all)
	maps.DeleteFunc(all, func(_ string, value any) bool {
		v := reflect.ValueOf(value)
		return (v.Kind() == reflect.Map || v.Kind() == reflect.Slice) && v.Len() == 0
	})
	return all
}

// setValue sets a string at the top of the file; "" removes it.
func setValue(text, key, value string) (string, error) {
	want, err := decodeAll(text)
	if err != nil {
		return "", err
	}
	if old, ok := want[key].(string); ok && old == value || !ok && value == "" {
		return text, nil
	}
	delete(want, key)
	if value != "" {
		want[key] = value
	}
	return settle(want, proposeLine(text, key, value, 0))
}

// proposeLine proposes texts in which the line of a key says something else, or
// is no more, or is new. Lines before start are left alone.
func proposeLine(text, key, value string, start int) iter.Seq[string] {
	lines := strings.SplitAfter(text, "\n")
	quoted := regexp.QuoteMeta(key)
	assignment := regexp.MustCompile(`^\s*(?:` + quoted + `|"` + quoted + `"|'` + quoted + `')\s*=\s*`)
	return func(yield func(string) bool) {
		for i, line := range lines {
			beginning := assignment.FindString(line)
			if i < start || beginning == "" {
				continue
			}
			var changed []string
			if value != "" {
				changed = []string{beginning + quote(value) + afterValue.ReplaceAllString(line[len(beginning):], "$1")}
			}
			if !yield(strings.Join(slices.Replace(slices.Clone(lines), i, i+1, changed...), "")) {
				return
			}
		}
		if value != "" {
			_ = yield(insertLine(lines, bareKey(key)+" = "+quote(value), start, newlineOf(text)))
		}
	}
}

// insertLine adds a line at the end of the section whose content begins at line
// start, which is the top of the file if it is 0.
func insertLine(lines []string, added string, start int, newline string) string {
	end := start
	for end < len(lines) && !anyHeader.MatchString(lines[end]) {
		end++
	}
	header := end
	// Comments right before the next header belong to that one.
	for end > start && strings.HasPrefix(strings.TrimSpace(lines[end-1]), "#") {
		end--
	}
	for end > start && strings.TrimSpace(lines[end-1]) == "" {
		end--
	}
	if added += newline; start > 0 {
		added = "  " + added
	}
	if end > 0 && !strings.HasSuffix(lines[end-1], "\n") {
		added = newline + added
	}
	if header < len(lines) && end == header {
		added += newline
	}
	return strings.Join(slices.Insert(slices.Clone(lines), end, added), "")
}

// afterValue is a string, and then what may follow it on its line.
var afterValue = regexp.MustCompile(`^(?:"(?:[^"\\]|\\.)*"|'[^']*')([ \t]*(?:#[^\r\n]*)?\r?\n?)$`)

// setMirror sets the mirror of a registry; "" removes it.
func setMirror(text, registry, mirror string) (string, error) {
	want, err := decodeAll(text)
	if err != nil {
		return "", err
	}
	old, _ := want[registryMirrorsKey].(map[string]any)
	table := maps.Clone(old)
	if table == nil {
		table = map[string]any{}
	}
	delete(table, registry)
	if mirror != "" {
		table[registry] = mirror
	}
	if reflect.DeepEqual(old, table) || len(old) == 0 && len(table) == 0 {
		return text, nil
	}
	want[registryMirrorsKey] = table
	return settle(want, func(yield func(string) bool) {
		for i, line := range strings.SplitAfter(text, "\n") {
			if !mirrorsHeader.MatchString(strings.TrimRight(line, "\r\n")) {
				continue
			}
			for edited := range proposeLine(text, registry, mirror, i+1) {
				if len(table) == 0 && !yield(withoutBlock(edited, i)) || !yield(edited) {
					return
				}
			}
		}
		_ = yield(appendBlock(text, "["+registryMirrorsKey+"]", "  "+quote(registry)+" = "+quote(mirror)))
	})
}

var (
	mirrorsHeader   = regexp.MustCompile(`^\s*\[\s*(?:registry-mirrors|"registry-mirrors"|'registry-mirrors')\s*\]\s*(?:#.*)?$`)
	runImagesHeader = regexp.MustCompile(`^\s*\[\[\s*(?:run-images|"run-images"|'run-images')\s*\]\]\s*(?:#.*)?$`)
	noRunImages     = regexp.MustCompile(`(?m)^\s*run-images\s*=\s*\[\s*\][ \t]*\r?\n`)
)

// setRunImage changes the mirrors of a run image.
func setRunImage(text, image string, decide func([]string) []string) (string, error) {
	want, err := decodeAll(text)
	if err != nil {
		return "", err
	}
	list, ok := want[runImagesKey].([]map[string]any)
	if other, isList := want[runImagesKey].([]any); !ok && want[runImagesKey] != nil && !(isList && len(other) == 0) {
		return "", errByHand
	}
	list = slices.Clone(list)
	at := slices.IndexFunc(list, func(table map[string]any) bool { return table["image"] == image })
	if at < 0 {
		at, list = len(list), append(list, map[string]any{"image": image})
	}
	old := stringsOf(list[at]["mirrors"])
	mirrors := decide(old)
	if slices.Equal(mirrors, old) {
		return text, nil
	}
	var block []string
	if len(mirrors) == 0 {
		list = slices.Delete(list, at, at+1)
	} else {
		list[at] = maps.Clone(list[at])
		list[at]["mirrors"] = anyOf(mirrors)
		block = []string{"[[" + runImagesKey + "]]", "  image = " + quote(image), "  mirrors = " + quoteAll(mirrors)}
	}
	want[runImagesKey] = list
	return settle(want, proposeRunImage(text, block))
}

// proposeRunImage proposes texts in which a block stands for one of the run
// images, or is new; without lines one is taken out.
func proposeRunImage(text string, block []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i, line := range strings.SplitAfter(text, "\n") {
			if runImagesHeader.MatchString(strings.TrimRight(line, "\r\n")) && !yield(replaceBlock(text, i, block)) {
				return
			}
		}
		if yield(appendBlock(text, block...)) {
			// pack writes an empty list like this.
			_ = yield(appendBlock(noRunImages.ReplaceAllString(text, ""), block...))
		}
	}
}

func anyOf(list []string) []any {
	var all []any
	for _, entry := range list {
		all = append(all, entry)
	}
	return all
}

func stringsOf(value any) []string {
	list, _ := value.([]any)
	var all []string
	for _, entry := range list {
		if text, ok := entry.(string); ok {
			all = append(all, text)
		}
	}
	return all
}
