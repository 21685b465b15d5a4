package config

import (
	"errors"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

const trustedKey = "trusted-builders"

// errByHand says that an edit of the text would have changed more than it
// should.
var errByHand = errors.New("written in a way that cannot be edited without touching the rest of the file")

// trustedAre names the trusted builders in messages.
const trustedAre = "the trusted builders are"

var (
	trustedHeader = regexp.MustCompile(`^\s*\[\[\s*(?:trusted-builders|"trusted-builders"|'trusted-builders')\s*\]\]\s*(?:#.*)?$`)
	anyHeader     = regexp.MustCompile(`^\s*\[`)
	noContent     = regexp.MustCompile(`^\s*(?:#.*)?$`)
)

// addBuilder appends a block for builder, unless there is one. As all edits do,
// it edits lines, so that comments, order and unknown keys stay as they are, and
// then decodes both texts to prove that nothing else is different; where it
// cannot prove that, it returns errByHand.
func addBuilder(text, builder string) (string, error) {
	before, err := decodeAll(text)
	if err != nil {
		return "", err
	}
	list, ok := builderTables(before)
	if !ok {
		return "", errByHand
	}
	if slices.ContainsFunc(list, tableOf(builder)) {
		return text, nil
	}
	edited := appendBlock(text, "[["+trustedKey+"]]", "  name = "+quote(builder))
	want := append(slices.Clone(list), map[string]any{"name": builder})
	return edited, prove(before, edited, want)
}

// removeBuilder removes every block for builder.
func removeBuilder(text, builder string) (string, error) {
	for {
		before, err := decodeAll(text)
		if err != nil {
			return "", err
		}
		list, ok := builderTables(before)
		if !ok {
			return "", errByHand
		}
		index := slices.IndexFunc(list, tableOf(builder))
		if index < 0 {
			return text, nil
		}
		text, err = removeBlock(text, before, slices.Delete(slices.Clone(list), index, index+1))
		if err != nil {
			return "", err
		}
	}
}

// removeBlock removes the one block without which text decodes to before with
// the given trusted builders. Lines that only look like a block (in a string of
// several lines) fail that test.
func removeBlock(text string, before map[string]any, want []map[string]any) (string, error) {
	lines := strings.SplitAfter(text, "\n")
	for start, line := range lines {
		if !trustedHeader.MatchString(strings.TrimRight(line, "\r\n")) {
			continue
		}
		edited := withoutBlock(text, start)
		if prove(before, edited, want) == nil {
			return edited, nil
		}
	}
	return "", errByHand
}

// prove checks that edited decodes to before with exactly the given trusted
// builders.
func prove(before map[string]any, edited string, want []map[string]any) error {
	after, err := decodeAll(edited)
	if err != nil {
		return errByHand
	}
	list, ok := builderTables(after)
	if !ok || !slices.EqualFunc(list, want, func(a, b map[string]any) bool { return reflect.DeepEqual(a, b) }) {
		return errByHand
	}
	if !reflect.DeepEqual(without(before), without(after)) {
		return errByHand
	}
	return nil
}

func decodeAll(text string) (map[string]any, error) {
	all := map[string]any{}
	_, err := toml.Decode(text, &all)
	return all, err
}

// builderTables returns the trusted builders as decoded, and false when they
// are something else than a list of tables.
func builderTables(all map[string]any) ([]map[string]any, bool) {
	value, ok := all[trustedKey]
	if !ok {
		return nil, true
	}
	list, ok := value.([]map[string]any)
	return list, ok
}

func without(all map[string]any) map[string]any {
	rest := map[string]any{}
	for key, value := range all {
		if key != trustedKey {
			rest[key] = value
		}
	}
	return rest
}

func tableOf(builder string) func(map[string]any) bool {
	wanted := same(builder)
	return func(table map[string]any) bool {
		name, ok := table["name"].(string)
		return ok && wanted(name)
	}
}

// quote writes a TOML basic string. An image reference needs no escapes that
// TOML and Go spell differently.
func quote(reference string) string { return strconv.Quote(reference) }
