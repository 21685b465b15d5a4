package attrs

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/pack-cache/pack-cache/internal/hint"
)

// Pair is one attribute as it was written, its name in lower case.
type Pair struct{ Name, Value string }

// Split reads one CSV record of NAME=VALUE fields. A field in double quotes may
// hold commas. Values are verbatim. bare is the whole record if it is a single
// field without "=". The error is a *hint.UsageError and repeats no value, which may be a
// secret.
func Split(record string) (pairs []Pair, bare string, err error) { return SplitBy(record, ',') }

// SplitBy is Split for a record whose fields are separated by another character.
func SplitBy(record string, separator rune) (pairs []Pair, bare string, err error) {
	fields, err := fields(record, separator)
	if err != nil {
		return nil, "", err
	}
	for i, field := range fields {
		name, value, ok := strings.Cut(field, "=")
		name = strings.ToLower(name)
		switch {
		case field == "" && len(fields) == 1:
			return nil, "", hint.Usagef("write attributes as in "+example, "nothing is given")
		case !ok && len(fields) == 1:
			return nil, field, nil
		case !ok && i == 0:
			return nil, "", hint.Usagef("put the attribute's name before its value, as in "+example, "the first attribute has no =")
		case !ok:
			return nil, "", hint.Usagef(`quote an attribute whose value has a comma, as in type=local,"dest=/a,b"`,
				"what follows attribute %q has no =", pairs[i-1].Name)
		case name == "":
			return nil, "", hint.Usagef("write attributes as in "+example, "an attribute has no name before its =")
		}
		pairs = append(pairs, Pair{name, value})
	}
	return pairs, "", nil
}

const example = "type=registry,ref=registry.example.com/team/cache"

func fields(record string, separator rune) ([]string, error) {
	reader := csv.NewReader(strings.NewReader(record))
	reader.Comma = separator
	fields, err := reader.Read()
	if errors.Is(err, io.EOF) {
		return nil, hint.Usagef("write attributes as in "+example, "nothing is given")
	}
	if err == nil {
		if _, err = reader.Read(); errors.Is(err, io.EOF) {
			return fields, nil
		}
		err = errors.New("more than one line")
	}
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		err = parse.Err
	}
	return nil, hint.Usagef(fmt.Sprintf(`write NAME=VALUE%cNAME=VALUE, and quote a whole attribute if its value has a separator or a quote: "NAME=a%[1]cb"`, separator),
		"it is not a record of attributes: %v", err)
}
