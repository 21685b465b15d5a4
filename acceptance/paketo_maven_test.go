package acceptance

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/test/testran"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestPaketoMaven builds as Paketo's buildpacks for Maven and Gradle do: the
// repository is a link from the home directory to a cached layer, the application
// comes from a cached layer when no file has changed, and its source is removed.
func TestPaketoMaven(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.paketoMade(t)
	testran.Against(t, testran.Row{
		Subject: "Buildpacks", Peer: "Paketo's libbs", Version: testran.Module(t, "paketo-maven", "github.com/paketo-buildpacks/libbs"),
		Done: "a repository in the home directory and a compiled application, cold and warm in the sandbox, with Docker and in place",
	})
	images := map[string]string{}
	for name, on := range map[string]struct {
		machine func(*testing.T) *machine
		flags   []string
	}{
		"sandbox": {ground{name: "sandbox"}.machine, []string{"--builder", builder}},
		"docker":  {daemonGrounds(t)[0].machine, []string{"--builder", builder}},
		"inplace": {confinements(t, builder, reg)["inplace restricted"].machine, nil},
	} {
		a := &app{t, openDir(t)}
		a.write("pom.xml", "<project/>\n")
		a.write("src/Main.java", "class Main {}\n")
		build := func(step string, jdk, application fate) outcome {
			args := []string{reg.ref("app-" + name), "--path", a.dir, "--publish", "--cache-image", reg.ref("cache-" + name)}
			result, out := on.machine(t).build(append(args, on.flags...)...)
			want := map[string]fate{
				"buildpacksio/lifecycle:cache.sbom": jdk, "samples/jvm:jdk": jdk, "samples/maven:cache": jdk, "samples/maven:application": application,
			}
			if diff := cmp.Diff(want, fates(result)); diff != "" {
				t.Errorf("cached layers, %s, %s (-want +got):\n%s", name, step, diff)
			}
			if images[step] != "" {
				same(t, "the image of "+name+", "+step, result.Digest, images[step])
			}
			images[step] = result.Digest
			return out
		}
		reused := fate{"restored", "reused"}
		build("cold", fate{"missed", "added"}, fate{"missed", "added"}).
			wantStderr(t, "Creating cache directory", "mvn: downloading lib", "mvn: packing", "Removing source code")
		warm := build("warm", reused, reused)
		warm.wantStderr(t, "Creating cache directory", "Compiled Application: Reusing cached layer")
		warm.wantNoStderr(t, "mvn: ")
		wantLines(t, start(t, reg.image(t, reg.ref("app-"+name)), defaultProcess), "compiled: class Main {}\n")
		a.write("src/Main.java", "class Main { int changed; }\n")
		changed := build("changed", reused, fate{"restored", "updated"})
		changed.wantStderr(t, "mvn: packing")
		changed.wantNoStderr(t, "mvn: downloading")
	}
	same(t, "the warm image", images["warm"], images["cold"])
}
