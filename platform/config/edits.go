package config

import (
	"slices"
	"strings"
)

// trustedAre names the trusted builders in messages.
const trustedAre = "the trusted builders are"

// setValue sets a string at the top of the file; "" removes it.
func setValue(key, value string) change {
	return change{key + " is", func(want map[string]any, text string, in []section) string {
		want[key] = value
		if value == "" {
			delete(want, key)
		}
		return in[0].set(text, key, value)
	}}
}

// setMirror sets the mirror of a registry; "" removes it.
func setMirror(registry, mirror string) change {
	return change{registryMirrorsKey + " are", func(want map[string]any, text string, in []section) string {
		table, _ := want[registryMirrorsKey].(map[string]any)
		if table == nil {
			table = map[string]any{}
		}
		table[registry] = mirror
		if mirror == "" {
			delete(table, registry)
		}
		want[registryMirrorsKey] = table
		at := slices.IndexFunc(in, func(s section) bool { return s.name == registryMirrorsKey })
		switch {
		case at < 0:
			return appendBlock(text, "["+registryMirrorsKey+"]", "  "+bareKey(registry)+" = "+quote(mirror))
		case len(table) == 0:
			return in[at].replace(text)
		}
		return in[at].set(text, registry, mirror)
	}}
}

// addBuilder appends a block for builder, unless there is one.
func addBuilder(builder string) change {
	return change{trustedAre, func(want map[string]any, text string, _ []section) string {
		list, _ := want[trustedKey].([]map[string]any)
		if slices.ContainsFunc(list, holds("name", same(builder))) {
			return text
		}
		want[trustedKey] = append(list, map[string]any{"name": builder})
		return appendBlock(text, "[["+trustedKey+"]]", "  name = "+quote(builder))
	}}
}

// removeBuilder removes every block for builder.
func removeBuilder(builder string) change {
	return change{trustedAre, func(want map[string]any, text string, in []section) string {
		list, _ := want[trustedKey].([]map[string]any)
		want[trustedKey] = slices.DeleteFunc(list, holds("name", same(builder)))
		for _, s := range slices.Backward(in) {
			if e := s.find("name"); s.name == trustedKey && e != nil && same(builder)(e.text) {
				text = s.replace(text)
			}
		}
		return text
	}}
}

// setRunImage changes the mirrors of a run image.
func setRunImage(image string, decide func([]string) []string) change {
	is := func(name string) bool { return name == image }
	return change{runImagesKey + " are", func(want map[string]any, text string, in []section) string {
		list, _ := want[runImagesKey].([]map[string]any)
		at := slices.IndexFunc(list, holds("image", is))
		if at < 0 {
			at, list = len(list), append(list, map[string]any{"image": image})
		}
		mirrors := decide(stringsOf(list[at]["mirrors"]))
		var block []string
		if len(mirrors) == 0 {
			list = slices.Delete(list, at, at+1)
		} else {
			list[at]["mirrors"] = anyOf(mirrors)
			block = []string{"[[" + runImagesKey + "]]", "  image = " + quote(image), "  mirrors = " + quoteAll(mirrors)}
		}
		want[runImagesKey] = list
		for _, s := range in {
			if e := s.find("image"); s.name == runImagesKey && e != nil && is(e.text) {
				return s.replace(text, block...)
			}
		}
		// pack writes an empty list like this.
		return appendBlock(in[0].set(text, runImagesKey, ""), block...)
	}}
}

// holds returns a test for tables whose value of a key passes one.
func holds(key string, is func(string) bool) func(map[string]any) bool {
	return func(table map[string]any) bool {
		value, ok := table[key].(string)
		return ok && is(value)
	}
}

// quoteAll writes a list of strings.
func quoteAll(list []string) string {
	var quoted []string
	for _, entry := range list {
		quoted = append(quoted, quote(entry))
	}
	return "[" + strings.Join(quoted, ", ") + "]"
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
