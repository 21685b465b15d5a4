package phases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/redact"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/kinds"
)

// TestLogin lets a phase ask for keys that nothing else may show.
func TestLogin(t *testing.T) {
	t.Parallel()
	const secret = "hunter2-hunter2"
	expires := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	asked := 0
	stores := kinds.List{
		{Type: "plain"},
		{Type: "chain", Login: func(_ context.Context, at kinds.Location) (kinds.Keys, error) {
			asked++
			if at.Attrs["who"] == "nobody" {
				return kinds.Keys{}, fmt.Errorf("nobody: %w", layers.ErrDenied)
			}
			return kinds.Keys{Values: map[string]redact.Secret{"token": redact.NewSecret(secret)}, Expires: expires}, nil
		}},
	}
	locations := []kinds.Location{
		{Type: "plain", Secrets: map[string]redact.Secret{"key": redact.NewSecret(secret)}, Login: 1},
		{Type: "chain", Secrets: map[string]redact.Secret{"key": redact.NewSecret("given")}, Login: 2},
		{Type: "chain", Attrs: map[string]string{"who": "nobody"}, Login: 3},
	}
	logins := map[int]kinds.Login{}
	for i, at := range locations {
		logins[i+1] = stores.Login(at)
	}
	if stores.Login(kinds.Location{Type: "plain"}) != nil {
		t.Error("a store that needs no keys has a login")
	}
	j := &job{link: converse(t, &conversation{logins: logins})}
	text, err := json.Marshal(locations)
	if err != nil {
		t.Fatal(err)
	}
	if all := fmt.Sprintf("%s %+v %#v", text, locations, locations); strings.Contains(all, secret) {
		t.Errorf("a location shows its secret: %s", all)
	}
	var arrived []kinds.Location
	if err := json.Unmarshal(text, &arrived); err != nil {
		t.Fatal(err)
	}
	for i, want := range []map[string]redact.Secret{
		{"key": redact.NewSecret(secret)},
		{"key": redact.NewSecret("given"), "token": redact.NewSecret(secret)},
	} {
		for range 2 {
			keys, err := j.login(arrived[i])(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, keys.Values); diff != "" {
				t.Error(diff)
			}
			if i == 1 && !keys.Expires.Equal(expires) {
				t.Errorf("keys expire %v", keys.Expires)
			}
		}
	}
	if asked != 1 {
		t.Errorf("keys that are good were looked for %d times", asked)
	}
	if _, err := j.login(arrived[2])(t.Context()); !errors.Is(err, layers.ErrDenied) || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("a login that failed gives %v", err)
	}
	if _, err := j.login(kinds.Location{Login: 4})(t.Context()); err == nil {
		t.Error("a login that is not there gives keys")
	}
	if j.login(kinds.Location{}) != nil {
		t.Error("a location without a login has one")
	}
}
