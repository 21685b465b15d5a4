package kinds

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/web"
)

// TestLoginEnds has searches for keys that never end: one that looks at its context,
// and one that does not.
func TestLoginEnds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		rule  web.Rule
		limit time.Duration
		deaf  bool
	}{
		"default":     {web.Rule{}, web.DefaultWait, false},
		"deaf":        {web.Rule{}, web.DefaultWait, true},
		"of max-wait": {web.Rule{Wait: time.Hour}, time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ended := make(chan struct{})
				defer close(ended)
				list := List{{Type: "s", Login: func(ctx context.Context, _ Location) (Keys, error) {
					if test.deaf {
						<-ended
						return Keys{}, nil
					}
					<-ctx.Done()
					return Keys{}, errors.New("no credentials: " + ctx.Err().Error())
				}}}
				began := time.Now()
				_, err := list.Login(Location{Type: "s", Rule: test.rule})(t.Context())
				if !strings.Contains(hint.Of(err), "max-wait") {
					t.Errorf("%v", err)
				}
				if took := time.Since(began); took != test.limit {
					t.Errorf("took %s, want %s", took, test.limit)
				}
			})
		})
	}
}
