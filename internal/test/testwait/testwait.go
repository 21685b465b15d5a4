// Package testwait waits in tests for what comes about beside them.
//
// What it is not for: rules about time, which are tested with testing/synctest.
package testwait

import (
	"testing"
	"time"
)

// limit is how long anything may take on a busy machine.
const limit = 3 * time.Minute

// Eventually waits until done says so. The test fails with what, if that takes longer
// than anything may. It can be called by functions that t.Cleanup calls.
func Eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after %s, %s", limit, what)
		}
	}
}
