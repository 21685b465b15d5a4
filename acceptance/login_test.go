package acceptance

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// alice may do everything. Her password is one that no other text has in it.
var alice = testregistry.User{Name: "alice", Password: "correct-horse-battery-staple"}

// basic is what an Authorization header has of a user.
func basic(user testregistry.User) string {
	return base64.StdEncoding.EncodeToString([]byte(user.Name + ":" + user.Password))
}

// ways are the ways to log in to the registry host.
var ways = []struct {
	name string
	// in makes a machine know the credential.
	in func(m *machine, host string, user testregistry.User)
}{
	{"config.json", func(m *machine, host string, user testregistry.User) { m.logIn(user, host) }},
	{"credential helper", func(m *machine, host string, user testregistry.User) {
		m.write("bin/docker-credential-sesame", fmt.Sprintf(`#!/bin/sh
			read -r host
			[ "$1 $host" = "get %s" ] || { echo "credentials not found in native keychain"; exit 1; }
			echo '{"ServerURL": "%[1]s", "Username": "%s", "Secret": "%s"}'
		`, host, user.Name, user.Password), 0o755)
		m.write(".docker/config.json", object(map[string]any{"credHelpers": map[string]string{host: "sesame"}}), 0o600)
		m.env = append(m.env, "PATH="+m.home+"/bin:"+os.Getenv("PATH"))
	}},
	{"CNB_REGISTRY_AUTH", func(m *machine, host string, user testregistry.User) {
		m.env = append(m.env, "CNB_REGISTRY_AUTH="+object(map[string]string{host: "Basic " + basic(user)}))
	}},
}

// logIn does what `docker login` does, for each of the hosts.
func (m *machine) logIn(user testregistry.User, hosts ...string) {
	m.t.Helper()
	auths := map[string]any{}
	for _, host := range hosts {
		auths[host] = map[string]string{"auth": basic(user)}
	}
	m.write(".docker/config.json", object(map[string]any{"auths": auths}), 0o600)
	// Their sample run images are the user's own choice: one that only an
	// untrusted builder names would be read without the login.
	var chosen strings.Builder
	for _, host := range hosts {
		for _, sample := range []string{"tiny", "java"} {
			fmt.Fprintf(&chosen, "[[run-images]]\nimage = %q\nmirrors = []\n", host+"/samples/"+sample+"-run:latest")
		}
	}
	m.write(".pack/config.toml", chosen.String(), 0o600)
}

// believe makes a machine believe the registry's certificate authority.
func (m *machine) believe(r *registry) {
	m.t.Helper()
	if r.CAFile == "" {
		return
	}
	certificate, err := os.ReadFile(r.CAFile)
	if err != nil {
		m.t.Fatal(err)
	}
	m.write("ca.pem", string(certificate), 0o644)
	m.env = append(m.env, "SSL_CERT_FILE="+m.home+"/ca.pem")
}

// object is a value as JSON.
func object(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // maps of strings
	}
	return string(text)
}

// TestLogIn builds with every kind of credential on every kind of registry,
// each on a machine of its own, the second and third warm.
func TestLogIn(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		options testregistry.Options
	}{
		{"passwords", testregistry.Options{Auth: testregistry.Basic}},
		{"passwords and TLS", testregistry.Options{Auth: testregistry.Basic, TLS: true}},
		{"tokens and TLS", testregistry.Options{Auth: testregistry.Token, TLS: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.options.Users = []testregistry.User{alice}
			reg := newRegistry(t, test.options)
			builder := reg.tiny(t, nil)
			app := newApp(t, nil, nil)
			for i, way := range ways {
				m := newMachine(t)
				m.believe(reg)
				way.in(m, reg.Addr, alice)
				_, out := m.build(reg.ref("app"), "--builder", builder, "--run-image", reg.ref("samples/tiny-run"), "--path", app.dir, "--cache-image", reg.ref("cache"), "--publish", "--verbose")
				if i > 0 {
					out.wantStderr(t, "flags: only-cache: restored", "Cache "+reg.ref("cache")+":latest is as it was")
				}
				secrets := reg.secrets(t)
				secrets.wantNone(t, way.name+": log", strings.NewReader(out.stderr))
				secrets.wantNone(t, way.name+": result", strings.NewReader(out.stdout))
				secrets.wantNoneLeft(t, m)
			}
			reg.secrets(t).wantNoneKept(t, reg)
		})
	}
}

// TestLogInElsewhere builds with a public builder, which is read anonymously,
// for a registry of the user's own.
func TestLogInElsewhere(t *testing.T) {
	t.Parallel()
	public := newRegistry(t, testregistry.Options{Auth: testregistry.Token, Users: []testregistry.User{
		{Name: "publisher", Password: "of-the-builder"},
		{May: map[string][]string{"*": {"pull"}}},
	}})
	builder := public.tiny(t, nil)
	published := len(public.TokenRequests())
	own := newRegistry(t, testregistry.Options{Auth: testregistry.Token, Users: []testregistry.User{alice}})
	m := newMachine(t)
	m.logIn(alice, own.Addr)
	_, out := m.build(own.ref("app"), "--builder", builder, "--path", newApp(t, nil, nil).dir, "--cache-image", own.ref("cache"), "--publish")
	out.wantStderr(t, "flags: launch-cache: new")
	requests := public.TokenRequests()[published:]
	for _, request := range requests {
		if request.User != "" || request.Refused {
			t.Errorf("a credential went to the public registry: %+v", request)
		}
	}
	if len(requests) == 0 {
		t.Error("nothing was asked of the public registry's token server")
	}
}
