package storetest

import (
	"os"
	"testing"
)

// DamageFile changes a file behind a store's back to what do makes of its content;
// nil removes it.
func DamageFile(t *testing.T, path string, do func([]byte) []byte) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if content = do(content); content == nil {
		err = os.Remove(path)
	} else {
		err = os.WriteFile(path, content, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
