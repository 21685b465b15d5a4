package until

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestReader(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	r := Reader(ctx, strings.NewReader("abc"))
	if n, err := r.Read(make([]byte, 2)); n != 2 || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
	cancel()
	if content, err := io.ReadAll(r); len(content) > 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("after the end it read %q, %v", content, err)
	}
}
