package project

import (
	"path"
	"strings"
)

// ignorePattern is one pattern as gitignore(5) defines it. The library that pack
// uses takes "?", "[" and "+" for something else, forgets what it cannot
// translate, and knows no escaped blank.
type ignorePattern struct {
	negated, dirOnly bool
	// anchored patterns are for whole paths, others for the last part of a path.
	anchored bool
	parts    []string
}

// parseIgnore reads one line; ok is false if it is blank or a comment.
func parseIgnore(line string) (p ignorePattern, ok bool) {
	line = trimBlanks(strings.TrimSuffix(line, "\r"))
	if strings.HasPrefix(line, "#") {
		return p, false
	}
	line, p.negated = strings.CutPrefix(line, "!")
	line, p.dirOnly = strings.CutSuffix(line, "/")
	if line == "" {
		return p, false
	}
	p.anchored = strings.Contains(line, "/")
	p.parts = strings.Split(strings.TrimPrefix(line, "/"), "/")
	return p, true
}

// trimBlanks takes blanks off the end of a line, up to one after a backslash.
func trimBlanks(line string) string {
	end := 0
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '\\' && i+1 < len(line):
			i++
			end = i + 1
		case line[i] != ' ':
			end = i + 1
		}
	}
	return line[:end]
}

// matches reports whether the pattern is for a path itself.
func (p ignorePattern) matches(name string, dir bool) bool {
	switch {
	case p.dirOnly && !dir:
		return false
	case !p.anchored:
		return matchPart(p.parts[0], path.Base(name))
	}
	return matchParts(p.parts, strings.Split(name, "/"))
}

// matcher returns what tells whether the last of the patterns that are for a
// path, or for a directory above it, is not negated. Unlike with Git, files can
// so be taken back out of a directory that is left out, as in pack.
func matcher(lines []string) func(name string, dir bool) bool {
	var patterns []ignorePattern
	for _, line := range lines {
		if p, ok := parseIgnore(line); ok {
			patterns = append(patterns, p)
		}
	}
	return func(name string, dir bool) bool {
		for i := len(patterns) - 1; i >= 0; i-- {
			for at, isDir := name, dir; at != "." && at != "/"; at, isDir = path.Dir(at), true {
				if patterns[i].matches(at, isDir) {
					return !patterns[i].negated
				}
			}
		}
		return false
	}
}
