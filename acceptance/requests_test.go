package acceptance

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestWarmBuildAsksOnce counts what a warm build asks of its registry: three cached
// layers, one of which the build changes, on a machine that has never built before.
// What it takes to download the builder is not counted. Nothing is asked twice, unless
// the first answer was that the token is not good enough; each upload begins with the
// same request.
func TestWarmBuildAsksOnce(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		auth testregistry.Auth
		// changed says that the app image changes, too.
		changed bool
		most    int
	}{
		{"cache changes", testregistry.Open, false, 30},
		{"cache and app change", testregistry.Open, true, 39},
		{"tokens", testregistry.Token, false, 36},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			options := testregistry.Options{Auth: test.auth}
			if test.auth != testregistry.Open {
				options.Users = []testregistry.User{alice}
			}
			reg := newRegistry(t, options)
			builder := reg.tiny(t, nil)
			proxy := testregistry.NewFaults(t, reg.Registry)
			app := newApp(t, map[string]string{"churn": "first launch,cache keep\nsecond cache keep\nthird cache random\n"}, nil)
			build := func() {
				m := newMachine(t)
				m.logIn(alice, reg.Addr, proxy.Addr)
				m.build(proxy.Addr+"/app", "--builder", builder, "--run-image", proxy.Addr+"/samples/tiny-run", "--buildpack", "samples/churn",
					"--path", app.dir, "--cache-image", proxy.Addr+"/cache", "--publish", "--trust-builder")
			}
			build()
			if test.changed {
				app.write("hello.txt", "changed\n")
			}
			proxy.Reset()
			tokens := len(reg.TokenRequests())
			build()

			asked, repeated, all := map[string]int{}, map[string]int{}, 0
			count := func(request string, good bool) {
				asked[request]++
				all++
				if good {
					repeated[request]++
				}
			}
			for _, request := range proxy.Requests("", "") {
				count(request.Method+" "+request.Path, request.Status != http.StatusUnauthorized && !strings.HasSuffix(request.Path, "/blobs/uploads/"))
			}
			for _, request := range reg.TokenRequests()[tokens:] {
				if scopes := strings.Join(slices.Sorted(slices.Values(request.Scopes)), " "); scopes != "repository:samples/tiny-builder:pull" {
					count("token for "+scopes, true)
				}
			}
			var list []string
			for _, request := range slices.Sorted(maps.Keys(asked)) {
				list = append(list, fmt.Sprintf("%3d %s", asked[request], request))
			}
			said := strings.Join(list, "\n")
			if all > test.most {
				t.Errorf("a warm build asks %d times, more than %d:\n%s", all, test.most, said)
			}
			for request, times := range repeated {
				if times > 1 {
					t.Errorf("%s was asked %d times, among\n%s", request, times, said)
				}
			}
			t.Logf("a warm build asks %d times", all)
		})
	}
}
