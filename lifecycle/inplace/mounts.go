package inplace

import (
	"os"
	"strconv"
	"strings"
)

// mountPoints lists where something is mounted, other than the root.
func mountPoints() ([]string, error) {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	var points []string
	for line := range strings.Lines(string(data)) {
		if fields := strings.Fields(line); len(fields) > 4 && fields[4] != "/" {
			points = append(points, unescape(fields[4]))
		}
	}
	return points, nil
}

// unescape undoes how mountinfo writes blanks and backslashes.
func unescape(s string) string {
	for _, code := range []string{`\040`, `\011`, `\012`, `\134`} {
		char, _ := strconv.ParseUint(code[1:], 8, 8)
		s = strings.ReplaceAll(s, code, string(rune(char)))
	}
	return s
}

// within tells whether path is dir or below it.
func within(path, dir string) bool {
	return path == dir || dir == "/" || strings.HasPrefix(path, dir+"/")
}
