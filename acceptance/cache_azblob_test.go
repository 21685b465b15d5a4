package acceptance

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/internal/test/testservers"
)

// TestAzblob keeps the cache in a container, which the first export makes: cold,
// warm on another machine that falls back to another name, as somebody with a
// wrong key. The builder looks for the key, and does not find it.
func TestAzblob(t *testing.T) {
	t.Parallel()
	server := testservers.NewAzurite(t)
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	keys := secrets{server.Key}
	app := newApp(t, map[string]string{"probe": keys.probe()}, nil)
	args := func(from, to string) []string {
		return []string{reg.ref("app:1"), "--builder", builder, "--path", app.dir, "--publish", "--verbose",
			"--import-cache", from, "--export-cache", to}
	}
	check := func(m *machine, out outcome) {
		t.Helper()
		out.wantNoStderr(t, "probe: FOUND")
		keys.wantNone(t, "log", strings.NewReader(out.stderr))
		keys.wantNone(t, "result", strings.NewReader(out.stdout))
		m.wantNothingLeft()
	}
	connection := "BlobEndpoint=" + server.URL + ";AccountName=" + server.Account + ";AccountKey=" + server.Key

	at := "type=azblob,container=caches,prefix=team/"
	m := newMachine(t, "AZURE_STORAGE_CONNECTION_STRING="+connection)
	result, out := m.build(append(args(at, at+",name=branch;main"), "--cache-required")...)
	out.wantStderr(t, "probe: done", "Cache "+server.URL+"/caches/team/:"+reg.ref("app")+": nothing is kept there yet",
		"Cache "+server.URL+"/caches/team/:branch;main saved as sha256:")
	if diff := cmp.Diff(flagged("missed", "added"), fates(result)); diff != "" {
		t.Errorf("cold build (-want +got):\n%s", diff)
	}
	check(m, out)

	at += ",account_url=" + server.URL + ",account_name=" + server.Account
	m = newMachine(t, "AZURE_STORAGE_KEY="+server.Key)
	result, out = m.build(append(args(at+",name=new;main", at+",name=main"), "--cache-required")...)
	out.wantStderr(t, "flags: only-cache: restored", "/caches/team/:main is as it was")
	if diff := cmp.Diff(flagged("restored", "reused"), fates(result)); diff != "" {
		t.Errorf("warm build (-want +got):\n%s", diff)
	}
	check(m, out)

	wrong := "d3JvbmcgYnV0IGEga2V5"
	keys = append(keys, wrong)
	app.set(nil)
	at += ",name=main,secret_access_key=" + wrong
	m = newMachine(t)
	_, out = m.build(args(at, at)...)
	out.wantStderr(t, "Warning: cache "+server.URL+"/caches/team/:main is not used: ", "403 AuthorizationFailure",
		"Warning: cache "+server.URL+"/caches/team/:main was not saved: ")
	check(m, out)
	out = m.run(append([]string{"build", "--output", "json", "--cache-required"}, args(at, at)...)...)
	out.wantStderr(t, "could not be read", "403 AuthorizationFailure", "check the key")
	if out.code == 0 {
		t.Error("a required cache was not read, and that was no failure")
	}
	check(m, out)
}
