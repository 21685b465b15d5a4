package shorten

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWords(t *testing.T) {
	t.Parallel()
	long := "/" + strings.Repeat("d/", 2000) + "file"
	for text, want := range map[string]string{
		"":                                 "",
		"short words\n and  blanks\t":      "short words\n and  blanks\t",
		strings.Repeat("many words ", 100): strings.Repeat("many words ", 100),
		// The colon belongs to the word.
		"open " + long + ": denied": "open " + long[:150] + "…(3706_bytes)…" + long[len(long)-149:] + ": denied",
	} {
		if got := Words(text); got != want {
			t.Errorf("%.60q: %q, want %q", text, got, want)
		}
	}
}

// FuzzWords bounds every word, keeps text valid and all that is short, and changes
// nothing twice.
func FuzzWords(f *testing.F) {
	f.Add("open /" + strings.Repeat("é", 2000) + ": denied")
	f.Add(strings.Repeat(" ", 500) + "x")
	f.Add(strings.Repeat("\x80", 500))
	f.Fuzz(func(t *testing.T, text string) {
		got := Words(text)
		for _, word := range strings.Fields(got) {
			if len(word) > longest+utf8.UTFMax && len(strings.Fields(word)) == 1 && !strings.ContainsAny(word, "\v\f\u0085\u00a0") {
				t.Errorf("%d bytes: %.60q", len(word), word)
			}
		}
		if utf8.ValidString(text) && !utf8.ValidString(got) {
			t.Errorf("%q is no longer valid", text)
		}
		if again := Words(got); again != got {
			t.Errorf("%q becomes %q", got, again)
		}
	})
}
