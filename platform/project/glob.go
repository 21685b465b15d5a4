package project

import "strings"

// matchParts matches the parts of a path. The part ** stands for any number of
// parts, at the end for at least one.
func matchParts(pattern, parts []string) bool {
	// Where to go on if the parts after the last ** do not match.
	back, from := -1, 0
	for p, n := 0, 0; ; {
		switch {
		case p == len(pattern) && n == len(parts):
			return true
		case p < len(pattern) && pattern[p] == "**" && p == len(pattern)-1:
			return n < len(parts)
		case p < len(pattern) && pattern[p] == "**":
			p++
			back, from = p, n
			continue
		case p < len(pattern) && n < len(parts) && matchPart(pattern[p], parts[n]):
			p, n = p+1, n+1
			continue
		}
		if back < 0 || from >= len(parts) {
			return false
		}
		from++
		p, n = back, from
	}
}

// matchPart matches one part of a path with *, ?, [ ] and backslashes, byte by
// byte as Git does. A pattern that is not whole matches nothing.
func matchPart(pattern, name string) bool {
	back, from := -1, 0
	for p, n := 0, 0; ; {
		if p == len(pattern) && n == len(name) {
			return true
		}
		if p < len(pattern) && pattern[p] == '*' {
			p++
			back, from = p, n
			continue
		}
		if p < len(pattern) && n < len(name) {
			if size, ok := matchByte(pattern[p:], name[n]); ok {
				p, n = p+size, n+1
				continue
			}
		}
		if back < 0 || from >= len(name) {
			return false
		}
		from++
		p, n = back, from
	}
}

// matchByte matches one byte with what a pattern begins with, and returns how
// long that is.
func matchByte(pattern string, c byte) (size int, ok bool) {
	switch pattern[0] {
	case '?':
		return 1, true
	case '[':
		return matchClass(pattern, c)
	case '\\':
		return 2, len(pattern) > 1 && pattern[1] == c
	}
	return 1, pattern[0] == c
}

// matchClass matches one byte with a class such as [a-z], [!0-9] or [[:alpha:]].
func matchClass(pattern string, c byte) (size int, ok bool) {
	i := 1
	negated := i < len(pattern) && (pattern[i] == '!' || pattern[i] == '^')
	if negated {
		i++
	}
	for first := true; ; first = false {
		if i >= len(pattern) {
			return 0, false // there is no ]
		}
		if pattern[i] == ']' && !first {
			return i + 1, ok != negated
		}
		if strings.HasPrefix(pattern[i:], "[:") {
			name, _, closed := strings.Cut(pattern[i+2:], ":]")
			is, known := classes[name]
			if closed && !known {
				return 0, false
			}
			if closed {
				ok = ok || is(c)
				i += len(name) + 4
				continue
			}
		}
		low, size := member(pattern[i:])
		if i += size; size == 0 {
			return 0, false
		}
		high := low
		if i+1 < len(pattern) && pattern[i] == '-' && pattern[i+1] != ']' {
			if high, size = member(pattern[i+1:]); size == 0 {
				return 0, false
			}
			i += 1 + size
		}
		ok = ok || low <= c && c <= high
	}
}

// member reads one byte of a class; size is 0 if there is none.
func member(pattern string) (b byte, size int) {
	switch {
	case pattern == "":
		return 0, 0
	case pattern[0] != '\\':
		return pattern[0], 1
	case len(pattern) == 1:
		return 0, 0
	}
	return pattern[1], 2
}

func between(low, high byte) func(byte) bool {
	return func(c byte) bool { return low <= c && c <= high }
}

func either(all ...func(byte) bool) func(byte) bool {
	return func(c byte) bool {
		for _, one := range all {
			if one(c) {
				return true
			}
		}
		return false
	}
}

var (
	digit = between('0', '9')
	upper = between('A', 'Z')
	lower = between('a', 'z')
	graph = between('!', '~')
	alnum = either(digit, upper, lower)
	// classes are those of POSIX, for ASCII.
	classes = map[string]func(byte) bool{
		"digit": digit, "upper": upper, "lower": lower, "graph": graph, "alnum": alnum,
		"alpha":  either(upper, lower),
		"blank":  either(between(' ', ' '), between('\t', '\t')),
		"cntrl":  either(between(0, 31), between(127, 127)),
		"print":  between(' ', '~'),
		"punct":  func(c byte) bool { return graph(c) && !alnum(c) },
		"space":  either(between(' ', ' '), between('\t', '\r')),
		"xdigit": either(digit, between('a', 'f'), between('A', 'F')),
	}
)
