package acceptance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/internal/test/testservers"
)

// TestS3 keeps the cache in a bucket of a server with a certificate of a private
// authority: cold, warm on another machine that falls back to another name, as
// somebody with a wrong key. The builder looks for the keys, and finds none.
func TestS3(t *testing.T) {
	t.Parallel()
	server := testservers.NewMinIOWithTLS(t)
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	keys := secrets{server.SecretKey, server.AccessKey}
	// One layer is so large, if it is not compressed, that it goes up in parts.
	app := newApp(t, map[string]string{"probe": keys.probe(), "churn": "large cache keep 12 1000000"}, nil)
	want := func(restore, save string) map[string]fate {
		all := flagged(restore, save)
		all["samples/churn:large"] = fate{restore, save}
		return all
	}
	at := "type=s3,bucket=" + server.Bucket + ",prefix=team/,use_path_style=true,region=" + server.Region
	args := func(from, to string) []string {
		return []string{reg.ref("app:1"), "--builder", builder, "--path", app.dir, "--publish", "--verbose",
			"--import-cache", from, "--export-cache", to}
	}
	// Whose keys are in the environment, and whose are in a profile.
	environment := []string{"AWS_ACCESS_KEY_ID=" + server.AccessKey, "AWS_SECRET_ACCESS_KEY=" + server.SecretKey,
		"AWS_CA_BUNDLE=" + server.CAFile, "AWS_ENDPOINT_URL_S3=" + server.URL}
	check := func(m *machine, out outcome) {
		t.Helper()
		out.wantNoStderr(t, "probe: FOUND")
		keys.wantNone(t, "log", strings.NewReader(out.stderr))
		keys.wantNone(t, "result", strings.NewReader(out.stdout))
		m.wantNothingLeft()
	}

	m := newMachine(t, environment...)
	result, out := m.build(append(args(at, at+",name=branch;main,compression=uncompressed"), "--cache-required")...)
	out.wantStderr(t, "probe: done", "nothing is kept there yet", server.Bucket+"/team/:branch;main saved as sha256:")
	if diff := cmp.Diff(want("missed", "added"), fates(result)); diff != "" {
		t.Errorf("cold build (-want +got):\n%s", diff)
	}
	check(m, out)
	if left, err := filepath.Glob(filepath.Join(server.Dir, server.Bucket, "team", "blobs", "pending-*")); err != nil || left != nil {
		t.Errorf("left behind: %q, %v", left, err)
	}
	for _, name := range []string{"branch", "main"} {
		if _, err := os.Stat(filepath.Join(server.Dir, server.Bucket, "team", "manifests", name)); err != nil {
			t.Error(err)
		}
	}

	m = newMachine(t, "AWS_PROFILE=build", "AWS_CA_BUNDLE="+server.CAFile)
	m.write(".aws/credentials", "[build]\naws_access_key_id = "+server.AccessKey+"\naws_secret_access_key = "+server.SecretKey+"\n", 0o600)
	at += ",endpoint_url=" + server.URL
	result, out = m.build(append(args(at+",name=new;main", at+",name=main"), "--cache-required")...)
	out.wantStderr(t, "flags: only-cache: restored", "/team/:main is as it was")
	if diff := cmp.Diff(want("restored", "reused"), fates(result)); diff != "" {
		t.Errorf("warm build (-want +got):\n%s", diff)
	}
	if os.RemoveAll(filepath.Join(m.home, ".aws")) == nil {
		check(m, out)
	}

	// The commands for caches use the same keys.
	m = newMachine(t, environment...)
	copied := m.run("cache", "copy", at+",name=main", reg.ref("copied:main"), "--output", "json")
	copied.wantCode(t, 0)
	if reg.digest(t, reg.ref("copied:main")) != result.Saved[0].Digest {
		t.Errorf("the copy is another cache: %s", copied.stdout)
	}
	m.run("cache", "verify", at+",name=main").wantCode(t, 0)
	if got := listing(t, m.run("cache", "list", at, "--output", "json")); len(got) != 2 || got["main"] != got["branch"] {
		t.Errorf("listed %v", got)
	}
	m.run("cache", "prune", at+",name=branch", "--keep", "0", "--unused-for", "0s").wantCode(t, 0)
	if got := listing(t, m.run("cache", "list", at, "--output", "json")); len(got) != 1 || got["main"] == "" {
		t.Errorf("after branch was deleted, listed %v", got)
	}
	keys.wantNoneLeft(t, m)

	wrong := "wrong-secret-access-key"
	keys = append(keys, wrong)
	app.set(nil)
	at += ",name=main,access_key_id=" + server.AccessKey + ",secret_access_key=" + wrong
	m = newMachine(t, "AWS_CA_BUNDLE="+server.CAFile)
	_, out = m.build(args(at, at)...)
	out.wantStderr(t, "Warning: cache "+server.URL+"/caches/team/:main is not used: ", "403 SignatureDoesNotMatch",
		"Warning: cache "+server.URL+"/caches/team/:main was not saved: ")
	check(m, out)
	out = m.run(append([]string{"build", "--output", "json", "--cache-required"}, args(at, at)...)...)
	out.wantStderr(t, "could not be read", "403 SignatureDoesNotMatch", "check the keys")
	if out.code == 0 {
		t.Error("a required cache was not read, and that was no failure")
	}
	check(m, out)
}
