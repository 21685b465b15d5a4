package redact_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/redact"
)

func TestSecret(t *testing.T) {
	t.Parallel()
	const value = "hunter2-hunter2"
	type inner struct{ hidden redact.Secret }
	holder := struct {
		Shown  redact.Secret
		Map    map[string]redact.Secret
		hidden inner
	}{redact.NewSecret(value), map[string]redact.Secret{"a": redact.NewSecret(value)}, inner{redact.NewSecret(value)}}
	var seen bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&seen, verb+"\n", holder)
		fmt.Fprintf(&seen, verb+"\n", holder.Shown)
		fmt.Fprintf(&seen, verb+"\n", &holder)
	}
	if err := json.NewEncoder(&seen).Encode(holder); err != nil {
		t.Fatal(err)
	}
	slog.New(slog.NewTextHandler(&seen, nil)).Info("x", "holder", holder, "secret", holder.Shown)
	if strings.Contains(seen.String(), value) || strings.Contains(seen.String(), fmt.Sprintf("%x", value)) {
		t.Errorf("shown: %s", &seen)
	}
	if holder.Shown.Reveal() != value || !holder.Shown.Equal(redact.NewSecret(value)) || holder.Shown.IsZero() {
		t.Error("the secret is lost")
	}
	if none := redact.NewSecret(""); !none.IsZero() || none.Reveal() != "" || none.String() != "" {
		t.Errorf("no secret is %q", none)
	}
}
