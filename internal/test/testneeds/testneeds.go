// Package testneeds says what becomes of a test when the machine lacks something
// that the test needs: a developer goes on without it, and CI fails.
//
// It is not for tests that are about something else on some machines, such as
// those for root.
package testneeds

import (
	"os"
	"testing"
)

// CI reports whether every test has to run. CI systems set the variable CI.
func CI() bool { return os.Getenv("CI") != "" }

// Missing ends a test for which something is missing, as format and args say: the
// test is skipped, and in CI it fails.
func Missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if CI() {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}
