package layers

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestPart(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	mark := func(err error) error { return errors.Join(errors.New("store"), err) }
	for _, test := range []struct {
		name, content string
		length        int64
		fails         error
		want          string
	}{
		{"all", "abc", -1, nil, "abc"},
		{"a part", "abc", 2, nil, "ab"},
		{"nothing", "abc", 0, nil, ""},
		{"more than there is", "abc", 9, nil, "abc"},
		{"broken off", "abc", -1, broken, "abc"},
		{"broken after the part", "abc", 3, broken, "abc"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var body io.Reader = strings.NewReader(test.content)
			if test.fails != nil {
				body = io.MultiReader(body, iotest.ErrReader(test.fails))
			}
			p := Part(t.Context(), io.NopCloser(body), test.length, mark)
			got, err := io.ReadAll(p)
			if fails := test.fails != nil && test.length < 0; string(got) != test.want || (err != nil) != fails || fails && (!errors.Is(err, broken) || !strings.Contains(err.Error(), "store")) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	p := Part(ctx, io.NopCloser(iotest.ErrReader(broken)), -1, mark)
	cancel()
	if _, err := p.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) || errors.Is(err, broken) {
		t.Errorf("got %v after the context has ended", err)
	}
}
