package enginetest

import (
	"strings"
	"time"
)

// rerunTime bounds a test program that is run again. It is far more than a slow
// machine needs: a test that hangs then says where, before the outer one ends.
const rerunTime = 12 * time.Minute

// Rerun returns the arguments with which a test program is run again, for the
// tests that pattern matches.
func Rerun(pattern string) []string {
	return []string{"-test.run", pattern, "-test.v", "-test.count=1", "-test.timeout", rerunTime.String()}
}

// Failures returns of what a test program with -test.v wrote the lines that are
// not about tests that begin or pass.
func Failures(output []byte) string {
	var kept []string
	for line := range strings.Lines(string(output)) {
		text := strings.TrimSpace(line)
		if !strings.HasPrefix(text, "=== ") && !strings.HasPrefix(text, "--- PASS") && !strings.HasPrefix(text, "--- SKIP") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}
