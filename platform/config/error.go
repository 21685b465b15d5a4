package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Error says that the configuration cannot be used, and where.
type Error struct {
	Path string
	// Line is 0 where no line is to blame.
	Line   int
	Reason string
}

// tomlError is how the decoder reports a line.
var tomlError = regexp.MustCompile(`^toml: line ([0-9]+)(?: \(last key ("[^"]*")\))?: ((?s:.*))`)

func newError(path string, err error) *Error {
	parts := tomlError.FindStringSubmatch(err.Error())
	if parts == nil {
		return &Error{Path: path, Reason: strings.TrimPrefix(err.Error(), "toml: ")}
	}
	line, _ := strconv.Atoi(parts[1])
	reason := parts[3]
	if parts[2] != "" {
		reason = "at " + parts[2] + ": " + reason
	}
	return &Error{Path: path, Line: line, Reason: reason}
}

// Error implements error.
func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.Path, e.Reason)
	}
	return fmt.Sprintf("%s:%d: %s", e.Path, e.Line, e.Reason)
}

// Hint says what the user can do.
func (e *Error) Hint() string {
	return "correct the file by hand; nothing was changed in it"
}
