package phases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/redact"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/kinds"
	"github.com/pack-cache/pack-cache/trust"
)

// TestLogin lets a phase ask for keys that nothing else may show: it reads a location
// and gets to the same store.
func TestLogin(t *testing.T) {
	t.Parallel()
	const secret = "hunter2-hunter2"
	at, err := kinds.ReadImport("type=gha,scope=app,url=http://127.0.0.1:1/,version=1,token="+secret, "")
	if err != nil {
		t.Fatal(err)
	}
	at.ID = "import 1"
	logins := map[string]kinds.Login{
		"import 1": at.Login(),
		"import 2": func(context.Context) (redact.Secret, error) {
			return redact.Secret{}, fmt.Errorf("nobody: %w", layers.ErrDenied)
		},
	}
	j := &job{link: converse(t, &conversation{logins: logins})}
	text, err := json.Marshal(at)
	if err != nil {
		t.Fatal(err)
	}
	if all := fmt.Sprintf("%s %+v %#v", text, at, at); strings.Contains(all, secret) {
		t.Errorf("a location shows its secret: %s", all)
	}
	var arrived kinds.Import
	if err := json.Unmarshal(text, &arrived); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		keys, err := j.keys(arrived.Location)(t.Context())
		if err != nil || !strings.Contains(keys.Reveal(), secret) {
			t.Fatal(err)
		}
		grant := trust.GrantKeys(keys)
		if all := fmt.Sprintf("%v %+v %#v %s", keys, grant, *grant, grant.LogValue()); strings.Contains(all, secret) {
			t.Errorf("a grant shows its keys: %s", all)
		}
	}
	if store, err := j.open(t.Context(), arrived.Location); err != nil || store.String() != "gha" {
		t.Errorf("opened %v, %v", store, err)
	}
	if _, err := j.keys(kinds.Location{ID: "import 2"})(t.Context()); !errors.Is(err, layers.ErrDenied) || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("a login that failed gives %v", err)
	}
	for _, id := range []string{"import 3", ""} {
		if _, err := j.keys(kinds.Location{ID: id})(t.Context()); err == nil {
			t.Errorf("a login that is not there gives keys to %q", id)
		}
	}
}
