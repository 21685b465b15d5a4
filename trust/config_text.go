package trust

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
// is no more, or is new. New ones go to the end of the section from line start
// on.
func proposeLine(text, key, value string, start int) iter.Seq[string] {
	lines := strings.SplitAfter(text, "\n")
	assignment := regexp.MustCompile(`^\s*(?:` + regexp.QuoteMeta(key) + `|"` + regexp.QuoteMeta(key) + `"|'` + regexp.QuoteMeta(key) + `')\s*=\s*`)
	return func(yield func(string) bool) {
		for i, line := range lines {
			beginning := assignment.FindString(line)
			if i < start || beginning == "" {
				continue
			}
			edited := slices.Clone(lines)
			if value == "" {
				edited = slices.Delete(edited, i, i+1)
			} else {
				edited[i] = beginning + quote(value) + afterValue.ReplaceAllString(line[len(beginning):], "$1")
			}
			if !yield(strings.Join(edited, "")) {
				return
			}
		}
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
		added := bareKey(key) + " = " + quote(value) + newlineOf(text)
		if start > 0 {
			added = "  " + added
		}
		if end > 0 && !strings.HasSuffix(lines[end-1], "\n") {
			added = newlineOf(text) + added
		}
		if header < len(lines) && end == header {
			added += newlineOf(text)
		}
		if value != "" {
			_ = yield(strings.Join(slices.Insert(slices.Clone(lines), end, added), ""))
		}
	}
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
	var old []string
	if at >= 0 {
		old = stringsOf(list[at]["mirrors"])
	}
	mirrors := decide(old)
	if slices.Equal(mirrors, old) {
		return text, nil
	}
	var block []string
	switch {
	case len(mirrors) == 0:
		list = slices.Delete(list, at, at+1)
	case at < 0:
		list = append(list, runImageTable(image, mirrors))
	default:
		list[at] = maps.Clone(list[at])
		list[at]["mirrors"] = runImageTable(image, mirrors)["mirrors"]
	}
	if len(mirrors) > 0 {
		block = []string{"[[" + runImagesKey + "]]", "  image = " + quote(image), "  mirrors = " + quoteAll(mirrors)}
	}
	want[runImagesKey] = list
	return settle(want, func(yield func(string) bool) {
		for i, line := range strings.SplitAfter(text, "\n") {
			if at >= 0 && runImagesHeader.MatchString(strings.TrimRight(line, "\r\n")) && !yield(replaceBlock(text, i, block)) {
				return
			}
		}
		if at < 0 && yield(appendBlock(text, block...)) {
			// pack writes an empty list like this.
			_ = yield(appendBlock(noRunImages.ReplaceAllString(text, ""), block...))
		}
	})
}

func runImageTable(image string, mirrors []string) map[string]any {
	var list []any
	for _, mirror := range mirrors {
		list = append(list, mirror)
	}
	return map[string]any{"image": image, "mirrors": list}
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
