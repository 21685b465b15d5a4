package acceptance

import (
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestPrivateImagesOfProject has the source's project.toml name a private builder and
// a private buildpackage. The user's login is not for the source to read with; it is
// used for what the user names or trusts.
func TestPrivateImagesOfProject(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{Auth: testregistry.Token, Users: []testregistry.User{alice}})
	builder := reg.tiny(t, nil)
	const v2 = "[_]\nschema-version = \"0.2\"\n"
	private := reg.ref("private/buildpack")
	ofBuilder := v2 + "[io.buildpacks]\nbuilder = \"" + builder + "\"\n"
	ofBuildpack := v2 + "[[io.buildpacks.pre.group]]\nuri = \"docker://" + private + "\"\n"
	for _, test := range []struct {
		name, descriptor string
		outside          bool // the descriptor is no file of the source
		listed           bool
		args             []string
		code             int
		says             []string
		secret           string // the repository that no login may be used for
	}{
		{"builder", ofBuilder, false, false, nil, 4, []string{"only project.toml of the source names it", "--builder " + builder, "trusted-builders add " + builder}, "samples/tiny"},
		{"builder with the flag", ofBuilder, false, false, []string{"--trust-builder"}, 4, []string{"--builder " + builder}, "samples/tiny"},
		{"builder that the user names, too", ofBuilder, false, false, []string{"--builder", builder, "--trust-builder"}, 0, nil, ""},
		{"listed builder", ofBuilder, false, true, nil, 0, nil, ""},
		{"builder in a file of the user's", ofBuilder, true, true, nil, 0, nil, ""},
		{"buildpack", ofBuildpack, false, true, []string{"--builder", builder}, 4, []string{"only project.toml of the source names it", "docker://" + private, "--trust-extra-buildpacks"}, "private/buildpack"},
		{"trusted buildpack", ofBuildpack, false, true, []string{"--builder", builder, "--trust-extra-buildpacks"}, 1, []string{"buildpack " + private + " is not there"}, ""},
		{"buildpack in a file of the user's", ofBuildpack, true, true, []string{"--builder", builder}, 1, []string{"buildpack " + private + " is not there"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			files := map[string]string{"project.toml": test.descriptor}
			if test.outside {
				files = nil
			}
			app := newApp(t, nil, files)
			m := newMachine(t)
			m.logIn(alice, reg.Addr)
			if test.listed {
				m.trust(builder)
			}
			args := append([]string{"build", reg.ref("app"), "--path", app.dir, "--publish"}, test.args...)
			if test.outside {
				m.write("mine.toml", test.descriptor, 0o600)
				args = append(args, "--descriptor", m.home+"/mine.toml")
			}
			before := len(reg.TokenRequests())
			out := m.run(args...)
			out.wantCode(t, test.code)
			for _, said := range test.says {
				out.wantStderr(t, said)
			}
			for _, request := range reg.TokenRequests()[before:] {
				if test.secret != "" && request.User != "" && strings.Contains(strings.Join(request.Scopes, " "), test.secret) {
					t.Errorf("the login was used: %+v", request)
				}
			}
		})
	}
}
