package acceptance

import (
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/testregistry"
)

// TestProbeFindsNothing has a buildpack look for credentials wherever a process
// can look, in detect and in build: with passwords and with tokens, with a
// builder that is trusted and with one that is not, and for either kind of user.
func TestProbeFindsNothing(t *testing.T) {
	t.Parallel()
	for _, auth := range []testregistry.Auth{testregistry.Basic, testregistry.Token} {
		t.Run(string(auth), func(t *testing.T) {
			t.Parallel()
			reg := newRegistry(t, testregistry.Options{Auth: auth, TLS: true, Users: []testregistry.User{alice}})
			builder := reg.tiny(t, nil)
			t.Run("build", func(t *testing.T) {
				for _, test := range []probed{
					{"trusted builder", true, false, ground{}},
					{"untrusted builder", false, false, ground{}},
					{"trusted builder, ordinary user", true, true, ground{}},
					{"untrusted builder, ordinary user", false, true, ground{}},
				} {
					t.Run(test.name, func(t *testing.T) {
						t.Parallel()
						test.build(t, reg, builder)
					})
				}
			})
			reg.secrets(t).wantNoneKept(t, reg)
		})
	}
}

// probed is a build with a probe in it.
type probed struct {
	name              string
	trusted, ordinary bool
	on                ground
}

func (p probed) build(t *testing.T, reg *registry, builder string) {
	t.Helper()
	m := p.on.machine(t)
	if p.ordinary {
		m.ordinary()
	}
	m.believe(reg)
	m.logIn(alice, reg.Addr)
	m.env = append(m.env, "CNB_REGISTRY_AUTH="+object(map[string]string{reg.Addr: "Basic " + basic(alice)}))
	if p.trusted {
		m.trust(builder)
	}
	secrets := append(reg.secrets(t), m.canaries()...)
	app := newApp(t, map[string]string{"probe": secrets.probe()}, nil)
	image := reg.ref(strings.ToLower(rand.Text()))
	result, out := m.build(image, "--builder", builder, "--path", app.dir, "--cache-image", image+"-cache", "--publish", "--verbose")
	if result.Builder.Trusted != p.trusted {
		t.Errorf("builder: %+v", result.Builder)
	}
	out.wantStderr(t, "detect: probe: done, ", "] probe: done, ")
	// A Unix socket that has a path could be connected to.
	out.wantNoStderr(t, "probe: FOUND", "probe: fd ", "probe: socket /")
	secrets.wantNone(t, "log", strings.NewReader(out.stderr))
	secrets.wantNone(t, "result", strings.NewReader(out.stdout))
	secrets.wantNoneLeft(t, m)
}

// TestProbeFinds shows that the probe finds what is there to be found.
func TestProbeFinds(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	canary := rand.Text()
	app := newApp(t, map[string]string{"probe": secrets{canary}.probe()}, nil)
	_, out := newMachine(t).build(reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish", "--env", "CANARY="+canary)
	out.wantStderr(t, "detect: probe: FOUND /platform/env/CANARY", "] probe: FOUND /platform/env/CANARY", "] probe: FOUND environment")
}

// canaries puts secrets where a careless program could pass them on, and returns
// them: the environment, an open file, files of the user's and of everybody's,
// and another program of the user's.
func (m *machine) canaries() secrets {
	m.t.Helper()
	var all secrets
	canary := func() string {
		all = append(all, rand.Text())
		return all[len(all)-1]
	}
	m.env = append(m.env, "CI_JOB_TOKEN="+canary(), "HTTP_PASSWORD="+canary())
	m.write(".netrc", "default login me password "+canary()+"\n", 0o644)
	m.write(".m2/settings.xml", "<password>"+canary()+"</password>\n", 0o644)
	m.write("tmp/script", canary(), 0o644)

	m.write("open", canary(), 0o600)
	open, err := os.Open(filepath.Join(m.home, "open"))
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { open.Close() })
	m.inherited = append(m.inherited, open)

	public := filepath.Join(openDir(m.t), "public")
	if err := os.WriteFile(public, []byte(canary()), 0o644); err != nil {
		m.t.Fatal(err)
	}

	other := exec.CommandContext(m.t.Context(), "sleep", "600")
	other.Env = []string{"OTHER=" + canary()}
	other.SysProcAttr = m.credential()
	if err := other.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { other.Wait() })
	return all
}
