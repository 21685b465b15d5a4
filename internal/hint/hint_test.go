package hint

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHints(t *testing.T) {
	t.Parallel()
	inner := Errorf("do this", "it broke: %w", fs.ErrNotExist)
	tests := []struct {
		name string
		err  error
		says string
		want []string
	}{
		{"none", nil, "", nil},
		{"no hint", errors.New("x"), "x", nil},
		{"an empty one", Errorf("", "x"), "x", nil},
		{"one", inner, "it broke: file does not exist", []string{"do this"}},
		{"below", fmt.Errorf("outer: %w", inner), "outer: it broke: file does not exist", []string{"do this"}},
		{"an empty one above", Errorf("", "%w", inner), "it broke: file does not exist", []string{"do this"}},
		{"usage", Usagef("do that", "no: %w", inner), "no: it broke: file does not exist", []string{"do that", "do this"}},
		{"added", With("do that", inner), "it broke: file does not exist", []string{"do that", "do this"}},
		{"nothing added", With("", inner), "it broke: file does not exist", []string{"do this"}},
		{"added to nothing", With("do that", nil), "", nil},
		{"joined", errors.Join(errors.New("x"), Errorf("do that", "y"), inner), "x\ny\nit broke: file does not exist", []string{"do that", "do this"}},
		{"the same twice", With("do this", inner), "it broke: file does not exist", []string{"do this"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, All(test.err)); diff != "" {
				t.Error(diff)
			}
			first := ""
			if len(test.want) > 0 {
				first = test.want[0]
			}
			if got := Of(test.err); got != first {
				t.Errorf("first %q, want %q", got, first)
			}
			if test.err != nil && test.err.Error() != test.says {
				t.Errorf("it says %q, want %q", test.err, test.says)
			}
		})
	}
	if _, usage := errors.AsType[*UsageError](fmt.Errorf("x: %w", Usagef("", "y"))); !usage || !errors.Is(Usagef("", "y: %w", inner), fs.ErrNotExist) {
		t.Error("a usage error is not seen as what it is, or hides what it wraps")
	}
}
