package acceptance

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestPhasesAskForTheirScope reads at the token server what each phase was given.
// The first three lines are the main process' own, which reads the builder, the run
// image and the previous image. The last is that of export. Between them are that of
// analyze and, beside it, that of restore, with which the main process looks what the
// cache holds.
func TestPhasesAskForTheirScope(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{Auth: testregistry.Token, Users: []testregistry.User{alice}})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	for _, temperature := range []string{"cold", "warm"} {
		t.Run(temperature, func(t *testing.T) {
			before := len(reg.TokenRequests())
			m := newMachine(t)
			m.logIn(alice, reg.Addr)
			m.build(reg.ref("app"), "--builder", builder, "--path", app.dir, "--cache-image", reg.ref("cache"), "--publish")
			var got []string
			for _, request := range reg.TokenRequests()[before:] {
				if request.User != alice.Name || request.Refused || !slices.Equal(request.Scopes, request.Granted) {
					t.Errorf("not what was asked for: %+v", request)
				}
				scopes := slices.Sorted(slices.Values(request.Scopes))
				got = append(got, strings.Join(scopes, " "))
			}
			want := []string{
				"repository:samples/tiny-builder:pull",
				"repository:samples/tiny-run:pull",
				"repository:app:pull",
				"repository:app:push,pull repository:samples/tiny-run:pull",
				"repository:cache:pull",
				"repository:app:push,pull repository:cache:push,pull repository:samples/tiny-run:pull",
			}
			if len(got) > 4 {
				slices.Sort(got[3 : len(got)-1])
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("tokens (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTokensEnd makes every token end while a phase still needs it.
func TestTokensEnd(t *testing.T) {
	t.Parallel()
	const ttl = 2 * time.Second
	reg := newRegistry(t, testregistry.Options{
		Auth: testregistry.Token, Users: []testregistry.User{alice}, Tokens: testregistry.TokenOptions{TTL: ttl},
	})
	builder := reg.tiny(t, nil)
	proxy := testregistry.NewFaults(t, reg.Registry)
	app := newApp(t, map[string]string{"build-sleep": "3", "churn": "much cache random"}, nil)
	build := func() outcome {
		m := newMachine(t)
		m.logIn(alice, reg.Addr, proxy.Addr)
		_, out := m.build(proxy.Addr+"/app", "--builder", builder, "--path", app.dir, "--cache-image", proxy.Addr+"/cache", "--publish", "--cache-required")
		return out
	}
	build()

	// Restore reads a layer late, and export writes late to app and cache.
	proxy.Set(
		testregistry.Rule{Method: http.MethodGet, Path: regexp.MustCompile("^/v2/cache/blobs/"), Delay: ttl + time.Second, Times: 1},
		testregistry.Rule{Method: http.MethodPost, Path: regexp.MustCompile("^/v2/app/blobs/uploads/"), Delay: ttl + time.Second, Times: 1},
		testregistry.Rule{Method: http.MethodPost, Path: regexp.MustCompile("^/v2/cache/blobs/uploads/"), Delay: ttl + time.Second, Times: 1},
	)
	app.unset("build-sleep")
	before := len(reg.TokenRequests())
	build().wantStderr(t, "flags: only-cache: restored", "churn: much: restored")
	times := map[string]int{}
	for _, request := range reg.TokenRequests()[before:] {
		times[strings.Join(slices.Sorted(slices.Values(request.Granted)), " ")]++
	}
	for _, scope := range []string{"repository:cache:pull", "repository:app:push,pull repository:cache:push,pull"} {
		if times[scope] < 2 {
			t.Errorf("the token for %s was not renewed: %v", scope, times)
		}
	}
}
