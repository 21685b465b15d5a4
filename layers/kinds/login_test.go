package kinds

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/redact"
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
				own := &seeker{do: func(ctx context.Context) error {
					if test.deaf {
						<-ended
						return nil
					}
					<-ctx.Done()
					return errors.New("no credentials: " + ctx.Err().Error())
				}}
				began := time.Now()
				_, err := (Location{Place: Place{"s", own}, Rule: test.rule}).Login()(t.Context())
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

// seeker finds keys as a test does.
type seeker struct {
	s3Attrs
	do      func(context.Context) error
	expires time.Time
}

func (s *seeker) find(ctx context.Context) (any, time.Time, error) {
	return ghaKeys{Token: redact.NewSecret("hunter2-hunter2")}, s.expires, s.do(ctx)
}

// TestLoginRemembers looks for keys only when those that it has are about to expire, or
// there are none.
func TestLoginRemembers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked, denied := 0, errors.New("denied")
		own := &seeker{do: func(context.Context) error { asked++; return denied }}
		login := (Location{Place: Place{"s", own}}).Login()
		if _, err := login(t.Context()); !errors.Is(err, denied) {
			t.Errorf("error %v", err)
		}
		denied = nil
		own.expires = time.Now().Add(time.Hour)
		for range 2 {
			keys, err := login(t.Context())
			var read ghaKeys
			if err != nil || keys.Unseal(&read) != nil || read.Token.Reveal() != "hunter2-hunter2" {
				t.Errorf("keys %v, %v", read, err)
			}
		}
		time.Sleep(time.Hour - remember)
		if _, err := login(t.Context()); err != nil || asked != 3 {
			t.Errorf("asked %d times, error %v", asked, err)
		}
	})
}
