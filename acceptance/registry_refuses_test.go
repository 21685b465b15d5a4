package acceptance

import (
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"regexp"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestRegistryUnreachable names a registry where nobody listens.
func TestRegistryUnreachable(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	closed := closedPort(t)
	for _, test := range []struct {
		name string
		args []string
		says []string
	}{
		{"app", []string{closed + "/app", "--builder", builder}, []string{closed, "connection refused", "HINT: check that registry " + closed + " can be reached"}},
		{"builder", []string{reg.ref("app"), "--builder", closed + "/builder"}, []string{"builder " + closed + "/builder", "connection refused", "HINT: check that registry " + closed + " can be reached"}},
		{"run image", []string{reg.ref("app"), "--builder", builder, "--run-image", closed + "/run"}, []string{"run image " + closed + "/run", "connection refused", "HINT: check that registry " + closed + " can be reached"}},
		{"previous image", []string{reg.ref("app"), "--builder", builder, "--previous-image", closed + "/app"}, []string{closed, "connection refused", "HINT: check that registry " + closed + " can be reached"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			refusal{args: append(test.args, "--path", app.dir, "--publish"), code: 1, says: test.says}.check(t, reg)
		})
		t.Run(test.name+" with a password", func(t *testing.T) {
			t.Parallel()
			refusal{
				env:  []string{registryAuth(t, closed, "bob", "bob-secret")},
				args: append(test.args, "--path", app.dir, "--publish"), code: 1, says: test.says,
			}.check(t, reg)
		})
	}
}

// TestRegistryWantsPassword has no password for a registry, or a wrong one.
func TestRegistryWantsPassword(t *testing.T) {
	t.Parallel()
	open := newRegistry(t, testregistry.Options{})
	builder := open.tiny(t, nil)
	closed := newRegistry(t, testregistry.Options{Auth: testregistry.Basic, Users: []testregistry.User{{Name: "bob", Password: "right-secret"}}})
	closedBuilder := closed.tiny(t, nil)
	app := newApp(t, nil, nil)
	for _, login := range []struct{ name, env string }{
		{"no password", ""}, {"wrong password", registryAuth(t, closed.Addr, "bob", "wrong-secret")},
	} {
		for _, test := range []struct {
			name string
			args []string
			says string
		}{
			{"app", []string{closed.ref("app"), "--builder", builder}, closed.Addr},
			{"builder", []string{open.ref("app"), "--builder", closedBuilder}, "the builder"},
			{"run image", []string{open.ref("app"), "--builder", builder, "--run-image", closed.ref("samples/tiny-run")}, "the run image"},
		} {
			t.Run(login.name+" for "+test.name, func(t *testing.T) {
				t.Parallel()
				refusal{
					env: []string{login.env}, code: 4,
					args: append(test.args, "--path", app.dir, "--publish"),
					says: []string{"credentials for " + closed.Addr, test.says, "HINT: ", "docker login " + closed.Addr, "CNB_REGISTRY_AUTH"},
				}.check(t, open, closed)
			})
		}
	}
}

// TestRegistryForbids has a credential that does not go far enough.
func TestRegistryForbids(t *testing.T) {
	t.Parallel()
	pull, none := []string{"pull"}, []string{}
	reg := newRegistry(t, testregistry.Options{Auth: testregistry.Token, Users: []testregistry.User{
		{Name: "admin", Password: "admin-secret"},
		{Name: "reader", Password: "reader-secret", May: map[string][]string{"*": pull}},
		{Name: "unbuilt", Password: "unbuilt-secret", May: map[string][]string{"*": {"pull", "push"}, "samples/tiny-builder": none}},
		{Name: "norun", Password: "norun-secret", May: map[string][]string{"*": {"pull", "push"}, "samples/tiny-run": none}},
	}})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	args := []string{reg.ref("app"), "--builder", builder, "--trust-builder", "--path", app.dir, "--publish"}
	for _, test := range []struct {
		name, user string
		more       []string
		says       []string
	}{
		{"app", "reader", nil, []string{"push to " + reg.ref("app")}},
		{"tag", "reader", []string{"--tag", reg.ref("other")}, []string{"push to " + reg.ref("app")}},
		{"builder", "unbuilt", nil, []string{"the builder", "pull from " + reg.ref("samples/tiny-builder")}},
		{"run image", "norun", nil, []string{"the run image", "pull from " + reg.ref("samples/tiny-run")}},
		{"run image of the flag", "norun", []string{"--run-image", reg.ref("samples/tiny-run")}, []string{"the run image", "pull from " + reg.ref("samples/tiny-run")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			refusal{
				env: []string{registryAuth(t, reg.Addr, test.user, test.user+"-secret")}, code: 4,
				args: append(args, test.more...),
				says: append(test.says, "credentials for "+reg.Addr, "HINT: "),
			}.check(t, reg)
		})
	}
}

// TestRegistryForbidsTag may push the app image, but not under its other name.
func TestRegistryForbidsTag(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{Auth: testregistry.Token, Users: []testregistry.User{
		{Name: "admin", Password: "admin-secret"},
		{Name: "bob", Password: "bob-secret", May: map[string][]string{"*": {"pull"}, "app": {"pull", "push"}}},
	}})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	refusal{
		env: []string{registryAuth(t, reg.Addr, "bob", "bob-secret")}, code: 4,
		args: []string{reg.ref("app"), "--tag", reg.ref("other"), "--builder", builder, "--trust-builder", "--path", app.dir, "--publish"},
		says: []string{"credentials for " + reg.Addr, "push to " + reg.ref("other"), "HINT: "},
	}.check(t, reg)
}

// closedPort is a host where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return host
}

// registryAuth is the environment variable with the password of a user of one
// registry.
func registryAuth(t *testing.T, host, user, password string) string {
	t.Helper()
	return registryAuths(t, map[string]testregistry.User{host: {Name: user, Password: password}})
}

// registryAuths is registryAuth for several registries.
func registryAuths(t *testing.T, users map[string]testregistry.User) string {
	t.Helper()
	headers := map[string]string{}
	for host, user := range users {
		headers[host] = "Basic " + base64.StdEncoding.EncodeToString([]byte(user.Name+":"+user.Password))
	}
	value, err := json.Marshal(headers)
	if err != nil {
		t.Fatal(err)
	}
	return "CNB_REGISTRY_AUTH=" + string(value)
}

// TestRegistryAnswers gets answers that only a registry in trouble gives.
func TestRegistryAnswers(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	writes := regexp.MustCompile(`^/v2/app/blobs/uploads/`)
	for _, test := range []struct {
		name string
		rule testregistry.Rule
		code int
		says []string
	}{
		{"403", testregistry.Rule{Path: writes, Status: http.StatusForbidden, Body: `{"errors":[{"code":"DENIED","message":"quota exceeded"}]}`}, 4,
			[]string{"push to ", "403 Forbidden, DENIED: quota exceeded", "HINT: there is no credential for "}},
		{"503", testregistry.Rule{Path: writes, Status: http.StatusServiceUnavailable}, 32, []string{"503", "answered 503; try again later"}},
		{"hangs up", testregistry.Rule{Path: writes, Drop: true}, 1, []string{"cannot be reached", "EOF", "HINT: check that registry"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			proxy := testregistry.NewFaults(t, reg.Registry, test.rule)
			args := []string{proxy.Addr + "/app", "--builder", builder, "--path", app.dir, "--publish"}
			refusal{args: args, code: test.code, says: append(test.says, proxy.Addr)}.check(t, reg)
		})
	}
}
