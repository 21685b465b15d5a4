package acceptance

import (
	"strings"
	"testing"
)

// wantLines fails unless every one of the given strings is in a text.
func wantLines(t *testing.T, text string, all ...string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(text, want) {
			t.Errorf("output lacks %q:\n%s", want, text)
		}
	}
}

// wantNoLines fails if one of the given strings is in a text.
func wantNoLines(t *testing.T, text string, none ...string) {
	t.Helper()
	for _, unwanted := range none {
		if strings.Contains(text, unwanted) {
			t.Errorf("output has %q:\n%s", unwanted, text)
		}
	}
}
