// Package envfile reads files of environment variables: --env-file and .env.
//
// Files are read as Docker Compose reads them, but a "$" is a "$": variables
// within values are not replaced, as docker run and pack do not. What cannot be
// read for certain is refused.
//
// The libraries for it (joho/godotenv, compose-go) replace variables, drop names
// that they do not find, and show values in their errors.
package envfile

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Variable is a variable of a file.
type Variable struct {
	Name, Value string
	// Given is false for a NAME without a value, which stands for the value that
	// it has in the environment.
	Given bool
	// Line is where it begins, from 1 on.
	Line int
}

// Error says which line of a file is not understood. It does not show what is
// there: it may be a line of a secret.
type Error struct {
	Line   int
	Reason string
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// Form is the hint for what is not understood.
const Form = `write NAME=VALUE, NAME="VALUE" or NAME='VALUE', or NAME for the value it has here`

// Parse returns the variables of a file in their order. The error is an *Error.
func Parse(text string) ([]Variable, error) {
	text = strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n")
	var all []Variable
	for line := 1; text != ""; {
		statement, rest, _ := strings.Cut(text, "\n")
		if !readable(statement) {
			return nil, &Error{line, "it is not UTF-8 text"}
		}
		trimmed := strings.TrimSpace(statement)
		if trimmed == "" || trimmed[0] == '#' {
			text, line = rest, line+1
			continue
		}
		v, left, err := parse(strings.TrimLeftFunc(text, unicode.IsSpace), line)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
		line += strings.Count(text[:len(text)-len(left)], "\n")
		text = left
	}
	return all, nil
}

func readable(text string) bool { return utf8.ValidString(text) && !strings.ContainsRune(text, 0) }

// bareName is the grammar of a name without a value. It is narrower than that of
// others: most lines without a "=" are lines of something else.
var bareName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// parse reads the variable that text begins with, and returns what comes after
// its line.
func parse(text string, line int) (Variable, string, error) {
	statement, rest, _ := strings.Cut(text, "\n")
	if after, ok := strings.CutPrefix(statement, "export"); ok && strings.TrimLeft(after, " \t") != after {
		text = strings.TrimLeft(text[len("export"):], " \t")
		statement, rest, _ = strings.Cut(text, "\n")
	}
	name, value, given := strings.Cut(statement, "=")
	if !given {
		name, _, _ = strings.Cut(name, " #")
	}
	v := Variable{Name: strings.TrimSpace(name), Given: given, Line: line}
	switch {
	case !given && !bareName.MatchString(v.Name):
		return v, "", &Error{line, "there is no =, and it is not the name of a variable"}
	case CheckName(v.Name) != nil:
		return v, "", &Error{line, "what stands before the = cannot be the name of a variable"}
	case !given:
		return v, rest, nil
	}
	value = strings.TrimSpace(value)
	if value == "" || value[0] != '"' && value[0] != '\'' {
		v.Value = uncommented(value)
		return v, rest, nil
	}
	quoted := strings.TrimLeft(text[strings.IndexByte(text, '=')+1:], " \t")
	value, left, ok := unquote(quoted)
	if !ok {
		return v, "", &Error{line, fmt.Sprintf("the value of %s has no closing %c", v.Name, quoted[0])}
	}
	v.Value = value
	after, rest, _ := strings.Cut(left, "\n")
	if after = strings.TrimSpace(after); after != "" && after[0] != '#' {
		return v, "", &Error{line, fmt.Sprintf("there is something after the value of %s; a %c within it is written \\%[2]c", v.Name, quoted[0])}
	}
	if !readable(value) {
		return v, "", &Error{line, "it is not UTF-8 text"}
	}
	return v, rest, nil
}

// uncommented takes the comment off a value without quotes.
func uncommented(value string) string {
	for i := 1; i < len(value); i++ {
		if value[i] == '#' && (value[i-1] == ' ' || value[i-1] == '\t') {
			return strings.TrimSpace(value[:i])
		}
	}
	return value
}

// escapes are what may follow a backslash between double quotes.
var escapes = map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', 'a': '\a', 'b': '\b', 'f': '\f', 'v': '\v', '"': '"', '\\': '\\', '$': '$'}

// unquote returns the value between the quotes that text begins with, which may
// go over several lines, and what comes after it. Any other backslash than those
// of escapes stands for itself, and between single quotes all but \'.
func unquote(text string) (value, rest string, ok bool) {
	var b strings.Builder
	quote := text[0]
	for i := 1; i < len(text); i++ {
		c := text[i]
		if c == quote {
			return b.String(), text[i+1:], true
		}
		if c == '\\' && i+1 < len(text) {
			next := text[i+1]
			real, known := escapes[next]
			if quote == '\'' {
				real, known = '\'', next == '\''
			}
			if known {
				b.WriteByte(real)
				i++
				continue
			}
		}
		b.WriteByte(c)
	}
	return "", "", false
}

// CheckName refuses what cannot be the name of a variable and of a file (CNB
// Platform specification, "User-Provided Variables").
func CheckName(name string) error {
	switch {
	case name == "":
		return errors.New("a variable without a name")
	case name == "." || name == ".." || strings.ContainsFunc(name, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r) || strings.ContainsRune("/\"'", r)
	}):
		return fmt.Errorf("%q cannot be the name of a variable", name)
	}
	return nil
}
