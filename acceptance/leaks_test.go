package acceptance

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// leak is a build that goes wrong.
type leak struct {
	name     string
	settings map[string]string
	// rules are what the registry does, given a text that only it knows, such as
	// the signature of a URL.
	rules func(signature string) []testregistry.Rule
	args  []string
	// warm has a cache to import.
	warm bool
	// code is the exit code, -1 for any that says that it failed.
	code int
}

// echoing answers with what a request was authorised by, as a registry may that
// wants to be helpful.
func echoing(method, path string, status int) testregistry.Rule {
	return testregistry.Rule{Method: method, Path: regexp.MustCompile(path), EditResponse: func(r *http.Response) {
		header := r.Request.Header.Get("Authorization")
		_, credential, _ := strings.Cut(header, " ")
		body := object(map[string]any{"errors": []map[string]string{{"code": "DENIED", "message": "not with " + header + " or " + credential}}})
		replaceAnswer(r, status, body)
	}}
}

func replaceAnswer(r *http.Response, status int, body string) {
	r.Body.Close()
	r.StatusCode, r.Status = status, http.StatusText(status)
	r.Header = http.Header{"Content-Type": {"application/json"}}
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
}

// signed sends a client to a URL that is a secret, and to where nobody answers.
func signed(method, path, signature string) testregistry.Rule {
	return testregistry.Rule{
		Method: method, Path: regexp.MustCompile(path), Status: http.StatusTemporaryRedirect,
		Header: http.Header{"Location": {"http://127.0.0.1:1/blob?X-Amz-Credential=" + signature + "&X-Amz-Signature=" + signature + "&sig=" + signature}},
	}
}

func rules(all ...testregistry.Rule) func(string) []testregistry.Rule {
	return func(string) []testregistry.Rule { return all }
}

const (
	builderManifest = "^/v2/samples/tiny-builder/manifests/"
	builderBlobs    = "^/v2/samples/tiny-builder/blobs/"
)

// leaks are failures of every phase.
var leaks = []leak{
	{name: "resolve: a registry that refuses", rules: rules(echoing("GET", builderManifest, 403)), code: 4},
	{name: "resolve: a signed URL", rules: func(s string) []testregistry.Rule { return []testregistry.Rule{signed("GET", builderBlobs, s)} }, code: 1},
	{name: "resolve: a builder that is broken", rules: rules(testregistry.Rule{Method: "GET", Path: regexp.MustCompile(builderBlobs), CutResponse: 100}), code: 1},
	{name: "analyze: a registry that refuses", rules: rules(echoing("POST", "^/v2/app/blobs/uploads/", 403)), code: -1},
	{name: "analyze: a run image that is not there", args: []string{"--run-image", "REGISTRY/nothing"}, code: -1},
	{name: "detect: a buildpack that fails", settings: map[string]string{"detect-exit": "3"}, code: 21},
	{name: "restore: a signed URL", warm: true, rules: func(s string) []testregistry.Rule {
		return []testregistry.Rule{signed("GET", "^/v2/cache/blobs/", s)}
	}},
	{name: "restore: a registry that refuses", warm: true, rules: rules(echoing("GET", "^/v2/cache/blobs/", 403))},
	{name: "restore: a cache that is damaged", warm: true, rules: rules(testregistry.Rule{Method: "GET", Path: regexp.MustCompile("^/v2/cache/blobs/"), Status: 200, Body: "nonsense"})},
	{name: "build: a buildpack that fails", settings: map[string]string{"build-exit": "7"}, code: 51},
	{name: "export: a registry that refuses", rules: rules(echoing("PUT", "^/v2/app/manifests/", 403)), code: -1},
	{name: "export: a signed URL", rules: func(s string) []testregistry.Rule {
		return []testregistry.Rule{signed("PATCH", "^/v2/app/blobs/uploads/", s), signed("PUT", "^/v2/app/", s)}
	}, code: -1},
	{name: "save: a registry that refuses", rules: rules(echoing("POST", "^/v2/cache/blobs/uploads/", 403))},
	{name: "save: a signed URL", rules: func(s string) []testregistry.Rule {
		return []testregistry.Rule{signed("POST", "^/v2/cache/blobs/uploads/", s)}
	}},
	{name: "save: a registry that breaks off", rules: rules(testregistry.Rule{Method: "PUT", Path: regexp.MustCompile("^/v2/cache/"), Drop: true})},
}

// TestFailuresLeakNothing has builds go wrong in every phase, and looks for
// secrets in all that they say and leave.
func TestFailuresLeakNothing(t *testing.T) {
	t.Parallel()
	for _, auth := range []testregistry.Auth{testregistry.Basic, testregistry.Token} {
		t.Run(string(auth), func(t *testing.T) {
			t.Parallel()
			reg := newRegistry(t, testregistry.Options{Auth: auth, Users: []testregistry.User{alice}})
			reg.tiny(t, nil)
			logged := newMachine(t)
			logged.logIn(alice, reg.Addr)
			logged.build(cached(reg.Addr, newApp(t, nil, nil))...)
			t.Run("in", func(t *testing.T) {
				for _, l := range leaks {
					t.Run(l.name, func(t *testing.T) {
						t.Parallel()
						l.check(t, reg)
					})
				}
			})
		})
	}
}

func (l leak) check(t *testing.T, reg *registry) {
	t.Helper()
	signature := rand.Text()
	proxy := testregistry.NewFaults(t, reg.Registry)
	if l.rules != nil {
		proxy.Set(l.rules(signature)...)
	}
	m := newMachine(t)
	m.logIn(alice, reg.Addr, proxy.Addr)
	secrets := append(reg.secrets(t), m.canaries()...)
	secrets = append(secrets, signature)
	secrets = append(secrets, m.cloudKeys()...)
	app := newApp(t, l.settings, nil)
	app.set(map[string]string{"churn": "deps launch,cache random"}) // there is something to be sent
	args := cached(proxy.Addr, app)
	if !l.warm {
		args = slices.Concat(args, []string{"--clear-cache"})
	}
	for _, arg := range l.args {
		args = append(args, strings.ReplaceAll(arg, "REGISTRY", proxy.Addr))
	}
	out := m.run(slices.Concat([]string{"build", "--verbose", "--output", "json"}, args)...)
	if l.code == -1 && out.code == 0 || l.code >= 0 && out.code != l.code {
		t.Errorf("exit code %d, want %d\n%s", out.code, l.code, out.stderr)
	}
	secrets.wantNone(t, "log", strings.NewReader(out.stderr))
	secrets.wantNone(t, "result", strings.NewReader(out.stdout))
	secrets.wantNoneLeft(t, m)
}

// cloudKeys puts keys of clouds where their tools look for them.
func (m *machine) cloudKeys() secrets {
	var all secrets
	for _, name := range []string{"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_CLIENT_SECRET", "BUILDKIT_AZURE_STORAGE_SECRET_ACCESS_KEY", "ACTIONS_RUNTIME_TOKEN", "GITHUB_TOKEN"} {
		secret := rand.Text()
		all = append(all, secret)
		m.env = append(m.env, name+"="+secret)
	}
	m.env = append(m.env, "AWS_ACCESS_KEY_ID=AKIAEXAMPLE")
	return all
}

// TestCrashesLeakNothing has pack-cache and its own phases crash while they have
// credentials: the traces of Go's runtime, and nothing of the memory in a file.
func TestCrashesLeakNothing(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{Auth: testregistry.Token, Users: []testregistry.User{alice}})
	reg.tiny(t, nil)
	before := newMachine(t)
	before.logIn(alice, reg.Addr)
	before.build(cached(reg.Addr, newApp(t, nil, nil))...)
	for _, test := range []struct {
		name   string
		stuck  testregistry.Rule
		victim string // among the arguments of the process that crashes
		signal syscall.Signal
	}{
		{"pack-cache", stuck("GET", builderManifest), "--verbose", syscall.SIGQUIT},
		{"pack-cache, by a fault", stuck("GET", builderManifest), "--verbose", syscall.SIGSEGV},
		{"analyze", stuck("POST", "^/v2/app/blobs/uploads/"), "phase\x00analyze", syscall.SIGQUIT},
		{"restore", stuck("GET", "^/v2/cache/blobs/"), "phase\x00restore", syscall.SIGQUIT},
		{"export", stuck("PATCH", "^/v2/app/blobs/uploads/"), "phase\x00export", syscall.SIGABRT},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			proxy := testregistry.NewFaults(t, reg.Registry, test.stuck)
			m := newMachine(t, "GOTRACEBACK=crash")
			m.logIn(alice, reg.Addr, proxy.Addr)
			secrets := append(reg.secrets(t), m.canaries()...)
			build := m.start(append([]string{"build", "--verbose"}, cached(proxy.Addr, newApp(t, map[string]string{"churn": "deps launch,cache random"}, nil))...)...)
			pid := 0
			build.await("the process was there and its request stuck", func() bool {
				pid = build.processOf(test.victim)
				return pid != 0 && stuckOn(proxy, test.stuck)
			})
			if limit := coreLimit(t, pid); limit != "0" {
				t.Errorf("it could leave %s bytes of its memory in a file", limit)
			}
			if err := syscall.Kill(pid, test.signal); err != nil {
				t.Fatal(err)
			}
			proxy.Set()
			out := build.wait()
			if test.victim == "--verbose" {
				out.wantStderr(t, "goroutine ")
			}
			secrets.wantNone(t, "log", strings.NewReader(out.stderr))
			secrets.wantNone(t, "result", strings.NewReader(out.stdout))
			secrets.wantNoneLeft(t, m)
		})
	}
}

// TestArgumentsAreHidden gives keys as arguments, which other processes of a
// container see.
func TestArgumentsAreHidden(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	reg.tiny(t, nil)
	at := stuck("GET", builderManifest)
	proxy := testregistry.NewFaults(t, reg.Registry, at)
	key := rand.Text()
	build := newMachine(t).start(append([]string{"build", "--import-cache", "type=s3,bucket=b,region=r,endpoint_url=http://127.0.0.1:1,access_key_id=" + key + ",secret_access_key=" + key},
		cached(proxy.Addr, newApp(t, nil, nil))...)...)
	build.await("the request was stuck", func() bool { return stuckOn(proxy, at) })
	arguments, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(build.cmd.Process.Pid), "cmdline"))
	if err != nil {
		t.Fatal(err)
	}
	proxy.Set()
	build.interrupt(syscall.SIGINT)
	build.wait()
	if !strings.Contains(string(arguments), "secret_access_key=***") || strings.Contains(string(arguments), key) {
		t.Errorf("everybody sees %q", arguments)
	}
}

// TestDaemonsAreToldNothing looks for secrets in all that a daemon shows of its
// containers, images and volumes while phases run.
func TestDaemonsAreToldNothing(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{Auth: testregistry.Basic, Users: []testregistry.User{alice}})
	reg.tiny(t, nil)
	for _, on := range daemonGrounds(t) {
		for _, test := range []struct {
			name     string
			settings map[string]string
			stuck    testregistry.Rule
		}{
			{name: "build", settings: map[string]string{"build-sleep": "600"}},
			{name: "export", stuck: stuck("PATCH", "^/v2/app/blobs/uploads/")},
		} {
			t.Run(on.name+" in "+test.name, func(t *testing.T) {
				t.Parallel()
				proxy := testregistry.NewFaults(t, reg.Registry)
				m := on.machine(t)
				m.logIn(alice, reg.Addr, proxy.Addr)
				secrets := append(reg.secrets(t), m.canaries()...)
				build := m.start(append([]string{"build", "--clear-cache"}, cached(proxy.Addr, newApp(t, test.settings, nil))...)...)
				if test.settings != nil {
					build.awaitLog("build: sleeping")
				} else {
					proxy.Set(test.stuck)
					build.await("the upload is stuck", func() bool { return stuckOn(proxy, test.stuck) })
				}
				on.wantNoneShown(t, secrets)
				build.interrupt(syscall.SIGINT)
				proxy.Set()
				out := build.wait()
				secrets.wantNone(t, "log", strings.NewReader(out.stderr))
				on.wantNoneShown(t, secrets)
			})
		}
	}
}

// wantNoneShown fails if a daemon shows a secret in anything that it has.
func (g ground) wantNoneShown(t *testing.T, s secrets) {
	t.Helper()
	get := func(path string) []byte {
		var body bytes.Buffer
		// What has just been removed cannot be shown.
		_ = g.daemon.Get(t.Context(), path, &body)
		s.wantNone(t, path, bytes.NewReader(body.Bytes()))
		return body.Bytes()
	}
	var list []struct{ ID, Id string }
	shown := 0
	for _, kind := range []string{"containers", "images"} {
		if err := json.Unmarshal(get("/v1.41/"+kind+"/json?all=1"), &list); err != nil {
			t.Fatal(err)
		}
		for _, entry := range list {
			id := entry.ID + entry.Id
			shown++
			get("/v1.41/" + kind + "/" + id + "/json")
			if kind == "images" {
				get("/v1.41/images/" + id + "/history")
			} else {
				get("/v1.41/containers/" + id + "/top")
			}
		}
	}
	get("/v1.41/volumes")
	get("/v1.41/info")
	if shown == 0 {
		t.Error("the daemon has nothing to show")
	}
}

// stuckOn tells whether a request has come that is not answered.
func stuckOn(proxy *testregistry.Faults, rule testregistry.Rule) bool {
	return len(proxy.Requests(rule.Method, rule.Path.String())) > 0
}

// processOf returns the command or one of the processes that it has started, by a
// text in its arguments; 0 if there is none.
func (r *running) processOf(text string) int {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		line, _ := os.ReadFile(file)
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		for at := pid; strings.Contains(string(line), text) && at > 1; at = parentOf(at) {
			if at == r.cmd.Process.Pid {
				return pid
			}
		}
	}
	return 0
}

// parentOf returns the parent of a process, 0 if it has ended.
func parentOf(pid int) int {
	status, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "PPid:"); ok {
			parent, _ := strconv.Atoi(strings.TrimSpace(value))
			return parent
		}
	}
	return 0
}

// coreLimit is how large a file a process may leave of its memory.
func coreLimit(t *testing.T, pid int) string {
	t.Helper()
	limits, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "limits"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(limits)) {
		if value, ok := strings.CutPrefix(line, "Max core file size"); ok {
			return strings.Fields(value)[0]
		}
	}
	t.Fatalf("no limit:\n%s", limits)
	return ""
}
