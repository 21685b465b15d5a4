package acceptance

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pack-cache/pack-cache/internal/test/testneeds"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest/report"
	"github.com/pack-cache/pack-cache/platform"
)

// TestAttack has a buildpack attack in detect and build, on every engine, with
// every kind of user that makes a difference, with a registry that has passwords
// and one that gives tokens, with a trusted builder and one that is not.
func TestAttack(t *testing.T) {
	t.Parallel()
	registries := map[testregistry.Auth]*registry{}
	var all secrets
	for _, auth := range []testregistry.Auth{testregistry.Basic, testregistry.Token} {
		registries[auth] = newRegistry(t, testregistry.Options{Auth: auth, TLS: true, Users: []testregistry.User{alice}})
		all = append(all, registries[auth].secrets(t)...)
	}
	t.Run("with", func(t *testing.T) {
		for auth, reg := range registries {
			attackAll(t, string(auth), reg, auth == testregistry.Basic)
		}
	})
	for _, reg := range registries {
		all.wantNoneKept(t, reg)
	}
	for _, on := range daemonGrounds(t) {
		all.wantNoneBelow(t, on.daemon.Dir)
		all.wantNone(t, "the daemon's log", strings.NewReader(on.daemon.Log()))
	}
}

// attackAll attacks every engine with the logins of a registry. The builder is
// trusted with one kind of login and not with the other: what trust changes is not
// what logins change. The sandbox has all four.
func attackAll(t *testing.T, with string, reg *registry, trusted bool) {
	t.Helper()
	builder := reg.tiny(t, nil)
	for name, machine := range attackable(t, builder, reg) {
		t.Run(with+"/"+name, func(t *testing.T) {
			t.Parallel()
			attacked{reg: reg, builder: builder, trusted: trusted}.build(t, machine(t))
		})
	}
	t.Run(with+"/sandbox, the other way round", func(t *testing.T) {
		t.Parallel()
		attacked{reg: reg, builder: builder, trusted: !trusted}.build(t, ground{name: "sandbox"}.machine(t))
	})
}

// attackable are machines of every kind on which phases are kept apart.
func attackable(t *testing.T, builder string, reg *registry) map[string]func(*testing.T) *machine {
	t.Helper()
	all := map[string]func(*testing.T) *machine{
		"sandbox":                      ground{name: "sandbox"}.machine,
		"sandbox with one id":          func(t *testing.T) *machine { return ground{name: "sandbox"}.machine(t).ordinary() },
		"sandbox with subordinate ids": func(t *testing.T) *machine { return ground{name: "sandbox"}.machine(t).subordinate() },
	}
	for _, on := range daemonGrounds(t) {
		all[on.name] = on.machine
	}
	for name, in := range confinements(t, builder, reg) {
		all[name] = in.machine
	}
	return all
}

// subordinate makes a user with subordinate ids work on the machine.
func (m *machine) subordinate() *machine {
	if os.Getuid() != 0 {
		return m
	}
	account, err := user.Lookup("pctest")
	if err != nil {
		testneeds.Missing(m.t, "%v: useradd --create-home pctest, with --add-subuids and --add-subgids", err)
	}
	m.uid, _ = strconv.Atoi(account.Uid)
	m.own(m.home)
	return m
}

// attacked is a build with an attack in it.
type attacked struct {
	reg     *registry
	builder string
	trusted bool
}

func (a attacked) build(t *testing.T, m *machine) {
	t.Helper()
	m.believe(a.reg)
	m.logIn(alice, a.reg.Addr)
	m.env = append(m.env, "CNB_REGISTRY_AUTH="+object(map[string]string{a.reg.Addr: "Basic " + basic(alice)}))
	secrets := append(a.reg.secrets(t), m.canaries()...)
	orders := enginetest.Orders(secrets...)
	orders.Linger = "attack-" + rand.Text()
	if m.container != nil {
		secrets = append(secrets, m.surround()...)
		orders.Beside = true
		orders.Places = m.places()
		orders.Secrets = enginetest.Orders(secrets...).Secrets
	}
	app := newApp(t, nil, nil)
	app.attack(orders)
	image := a.reg.ref(strings.ToLower(rand.Text()))
	args := []string{image, "--builder", a.builder, "--run-image", a.reg.ref("samples/tiny-run"), "--path", app.dir, "--cache-image", image + "-cache", "--publish", "--verbose"}
	if a.trusted {
		args = append(args, "--trust-builder")
	}
	result, out := m.buildWatched(orders.Linger, args...)
	if result.Builder.Trusted != a.trusted {
		t.Errorf("builder: %+v", result.Builder)
	}
	checkAttacks(t, out)
	if m.container != nil {
		out.wantStderr(t, "Buildpacks cannot use Unix sockets")
	}
	if m.container != nil && m.container.shell {
		out.wantStderr(t, "Buildpacks cannot use shared memory by number")
	}
	secrets.wantNone(t, "log", strings.NewReader(out.stderr))
	secrets.wantNone(t, "result", strings.NewReader(out.stdout))
	if m.container == nil {
		secrets.wantNoneLeft(t, m)
	}
}

// attack makes detect and build of an application attack.
func (a *app) attack(orders report.Orders) {
	a.t.Helper()
	program, err := os.ReadFile(enginetest.Program(a.t))
	if err != nil {
		a.t.Fatal(err)
	}
	a.write("bp-config/attack", string(program))
	if err := os.Chmod(filepath.Join(a.dir, "bp-config/attack"), 0o755); err != nil {
		a.t.Fatal(err)
	}
	a.set(map[string]string{
		"attack.json": orders.String(),
		"detect-run":  "./bp-config/attack attack detect bp-config/attack.json",
		"build-run":   "./bp-config/attack attack build bp-config/attack.json",
	})
}

// checkAttacks fails unless detect and build have attacked, and in vain.
func checkAttacks(t *testing.T, out outcome) {
	t.Helper()
	var phases []string
	for line := range strings.Lines(out.stderr) {
		_, text, ok := strings.Cut(line, `run: {"Phase":`)
		if !ok {
			continue
		}
		var got report.Attack
		if err := json.NewDecoder(strings.NewReader(`{"Phase":` + text)).Decode(&got); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		phases = append(phases, got.Phase)
		enginetest.CheckAttack(t, got, enginetest.Excepted())
	}
	if strings.Join(phases, " ") != "detect build" {
		t.Errorf("attacks were made in %q:\n%s", phases, out.stderr)
	}
}

// buildWatched builds, and fails if a process that build has left behind lives
// when the own phase after it does.
func (m *machine) buildWatched(word string, args ...string) (*platform.Result, outcome) {
	m.t.Helper()
	build := m.start(append([]string{"build", "--output", "json"}, args...)...)
	lingered, exported := false, false
	for running := true; running; {
		select {
		case <-build.ended:
			running = false
		case <-time.After(2 * time.Millisecond):
		}
		// What comes of export comes after the end of build.
		exporting := strings.Contains(build.stderr.String(), "[export] ")
		if lingers := someProcess(word); lingers && exporting {
			m.t.Error("a process that build has left behind lives in export")
		} else {
			lingered, exported = lingered || lingers, exported || exporting
		}
	}
	if !lingered || !exported {
		m.t.Errorf("the processes were not seen: left behind %t, export %t", lingered, exported)
	}
	out := build.wait()
	out.wantCode(m.t, 0)
	var result platform.Result
	if err := json.Unmarshal([]byte(out.stdout), &result); err != nil {
		m.t.Fatalf("standard output is not one JSON value: %v\n%s", err, out.stdout)
	}
	return &result, out
}

// someProcess tells whether the arguments of a process of this machine have a
// text in them.
func someProcess(text string) bool {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		if line, _ := os.ReadFile(file); bytes.Contains(line, []byte(text)) {
			return true
		}
	}
	return false
}
