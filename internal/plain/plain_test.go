package plain

import (
	"strings"
	"testing"
)

// TestText leaves what people read, and nothing that a terminal obeys.
func TestText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"samples/flags@1.0\n\tü 日本": "samples/flags@1.0\n\tü 日本",
		"\x1b[2J\x1b]0;owned\a":     "\uFFFD[2J\uFFFD]0;owned\uFFFD",
		"a\rb\u202ec\u2028d\x00":    "a\uFFFDb\uFFFDc\uFFFDd\uFFFD",
		"\xff\u009b1m":              "\uFFFD\uFFFD1m",
	} {
		if got := Text(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
		var written strings.Builder
		if n, err := Writer(&written).Write([]byte(text)); n != len(text) || err != nil || written.String() != want {
			t.Errorf("writing %q: %d, %v, %q", text, n, err, written.String())
		}
	}
}
