package acceptance

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestRunImageOfUntrustedBuilder has a builder that is not trusted name a private
// run image. The user's login is not for the builder to choose with; it is used
// for an image that the user names, or for a trusted builder.
func TestRunImageOfUntrustedBuilder(t *testing.T) {
	t.Parallel()
	for name, auth := range map[string]testregistry.Auth{"passwords": testregistry.Basic, "tokens": testregistry.Token} {
		reg := newRegistry(t, testregistry.Options{Auth: auth, Users: []testregistry.User{alice}})
		builder := reg.tiny(t, nil)
		run := reg.ref("samples/tiny-run")
		app := newApp(t, nil, nil)
		for _, test := range []struct {
			name   string
			args   []string
			config string
			fine   bool
		}{
			{"only the builder names it", nil, "", false},
			{"--run-image", []string{"--run-image", run}, "", true},
			{"--trust-builder", []string{"--trust-builder"}, "", true},
			{"a mirror in the config", nil, "[[run-images]]\nimage = \"nowhere.invalid/run\"\nmirrors = [\"" + run + "\"]\n", true},
			{"another mirror in the config", nil, "[[run-images]]\nimage = \"nowhere.invalid/run\"\nmirrors = [\"" + reg.ref("other") + "\"]\n", false},
		} {
			t.Run(name+"/"+test.name, func(t *testing.T) {
				m := newMachine(t)
				m.logIn(alice, reg.Addr)
				m.write(".pack/config.toml", test.config, 0o600)
				args := append([]string{"build", reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish"}, test.args...)
				before := len(reg.TokenRequests())
				out := m.run(args...)
				if test.fine {
					out.wantCode(t, 0)
					return
				}
				out.wantCode(t, 4)
				out.wantStderr(t, "only an untrusted builder names it", "--run-image "+run, "--trust-builder")
				for _, request := range reg.TokenRequests()[before:] {
					if request.User != "" && strings.Contains(strings.Join(request.Scopes, " "), "tiny-run") {
						t.Errorf("the login was used: %+v", request)
					}
				}
			})
		}
	}
}

// TestPublicRunImageOfUntrustedBuilder has an untrusted builder name a run image
// that everybody may read, on the registry that the app image goes to: no phase
// reads it with the login, and its layers are mounted all the same.
func TestPublicRunImageOfUntrustedBuilder(t *testing.T) {
	t.Parallel()
	everyone := testregistry.User{May: map[string][]string{"samples/tiny-run": {"pull"}, "*": {}}}
	reg := newRegistry(t, testregistry.Options{Auth: testregistry.Token, Users: []testregistry.User{alice, everyone}})
	m := newMachine(t)
	m.logIn(alice, reg.Addr)
	m.write(".pack/config.toml", "", 0o600)
	builder := reg.tiny(t, nil)
	before := len(reg.TokenRequests())
	result, _ := m.build(reg.ref("app"), "--builder", builder, "--path", newApp(t, nil, nil).dir, "--publish")
	if !strings.HasPrefix(result.RunImage, reg.ref("samples/tiny-run@")) {
		t.Errorf("the run image is %s", result.RunImage)
	}
	for _, request := range reg.TokenRequests()[before:] {
		if scopes := strings.Join(request.Scopes, " "); request.User != "" && scopes == "repository:samples/tiny-run:pull" {
			t.Errorf("the login was used to read the run image: %+v", request)
		}
	}
}

// TestForgedAnalyzed has buildpacks write in detect and in build that the app image
// is to be based on a private image of the same registry, which the user may read
// and no phase has any business with.
func TestForgedAnalyzed(t *testing.T) {
	t.Parallel()
	for name, auth := range map[string]testregistry.Auth{"passwords": testregistry.Basic, "tokens": testregistry.Token} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := newRegistry(t, testregistry.Options{Auth: auth, Users: []testregistry.User{alice}})
			builder := reg.tiny(t, nil)
			private := reg.otherRun(t, "private-run")
			digest, err := reg.image(t, private).Digest()
			if err != nil {
				t.Fatal(err)
			}
			forge := fmt.Sprintf("for f in $(find / -name analyzed.toml -not -path '/proc/*' 2>/dev/null) /layers/analyzed.toml; do "+
				"printf '[run-image]\\nreference = \"%s@%s\"\\nimage = \"%s\"\\n' > $f; done; cat /layers/analyzed.toml", private, digest, private)
			m := newMachine(t)
			m.logIn(alice, reg.Addr)
			result, out := m.build(reg.ref("app"), "--builder", builder, "--path", newApp(t, map[string]string{"build-run": forge}, nil).dir, "--publish")
			out.wantStderr(t, "build: run: image = \""+private+"\"")
			if !strings.HasPrefix(result.RunImage, reg.ref("samples/tiny-run@")) {
				t.Errorf("the run image is %s", result.RunImage)
			}
			config, err := reg.image(t, reg.ref("app")).RawConfigFile()
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(config), "private-run") {
				t.Errorf("the app image has something of the private image: %s", config)
			}
		})
	}
}
