package acceptance

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// seeing is a buildpack that prints what flags of a build have to do with: also
// what detect has seen of it, which is in its build plan. It leaves an SBOM behind.
func seeing() extraBuildpack {
	see := newExtra("acme/see", "1.0", `
echo "see: directory $(pwd)"
echo "see: environment ${CNB_EXEC_ENV:-none}"
for file in /platform/bindings/*/type /mnt/*/file; do
  [ ! -e "$file" ] || echo "see: $file: $(cat "$file")"
  [ ! -e "$file" ] || ! { echo written > "$file"; } 2>/dev/null || echo "see: can write $file"
done
sed -n 's/^ *seen = "\(.*\)"/see: in detect \1/p' "$CNB_BP_PLAN_PATH"
[ -z "${SEE_URL:-}" ] || ! busybox wget -q -O /dev/null "$SEE_URL" || echo "see: reached"
echo "see: network $(sed -n 's/^ *\([^ :]*\):.*/\1/p' /proc/net/dev | tr '\n' ' ')"
mkdir -p "$CNB_LAYERS_DIR/kept"
printf '[types]\nlaunch = true\n' > "$CNB_LAYERS_DIR/kept.toml"
echo kept > "$CNB_LAYERS_DIR/kept/file"
echo '{"made": "by see"}' > "$CNB_LAYERS_DIR/kept.sbom.cdx.json"
ln -s /etc/passwd "$CNB_LAYERS_DIR/link" || true`)
	see.files["bin/detect"] = `#!/bin/sh
printf '[[provides]]\nname = "see"\n' > "$CNB_BUILD_PLAN_PATH"
for file in /platform/bindings/*/type /mnt/*/file; do
  [ -e "$file" ] || continue
  seen="$file: $(head -n 1 "$file")"
  ! { echo detected >> "$file"; } 2>/dev/null || seen="$seen, can write"
  printf '[[requires]]\nname = "see"\n[requires.metadata]\nseen = "%s"\n' "$seen" >> "$CNB_BUILD_PLAN_PATH"
done
[ -s "$CNB_BUILD_PLAN_PATH" ] && grep -q requires "$CNB_BUILD_PLAN_PATH" || : > "$CNB_BUILD_PLAN_PATH"
`
	see.files["buildpack.toml"] = "api = \"0.12\"\n[buildpack]\nid = \"acme/see\"\nversion = \"1.0\"\nsbom-formats = [\"application/vnd.cyclonedx+json\"]\n"
	return see
}

// TestFlags gives a build one flag after the other, each of which makes it
// another one.
func TestFlags(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	reg.pushImage(t, reg.ref("see"), buildpackage(t, seeing()))
	app := newApp(t, nil, map[string]string{"src/a": "a"})
	binding := openDir(t)
	writeFile(t, binding+"/type", "of the host\n")
	writeFile(t, binding+"/file", "of the host\n")
	writeFile(t, binding+"/open", "of the host\n")
	for _, file := range []string{"/type", "/file", "/open"} {
		if err := os.Chmod(binding+file, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(web.Close)
	for _, test := range []struct {
		name      string
		args      []string
		want, not []string
		check     func(*testing.T, *machine, v1.Image)
	}{
		{
			name: "none", want: []string{"see: directory /workspace\n", "see: environment production\n"}, not: []string{"of the host"},
			check: func(t *testing.T, _ *machine, img v1.Image) {
				wantConfig(t, img, "/workspace", "production")
				wantOwner(t, img, 1000, 1000)
			},
		},
		{name: "volume", args: []string{"--volume", binding + ":/mnt/x"}, want: []string{"see: in detect /mnt/x/file: of the host\n", "see: /mnt/x/file: of the host\n"}, not: []string{"see: can write", ", can write"}},
		{name: "volume of bindings", args: []string{"--volume", binding + ":/platform/bindings/x:ro"}, want: []string{"see: /platform/bindings/x/type: of the host\n"}, not: []string{"see: can write"}},
		{
			name: "volume that can be written", args: []string{"--volume", binding + "/open:/mnt/y/file:rw"}, want: []string{"see: in detect /mnt/y/file: of the host, can write\n", "see: can write /mnt/y/file\n"},
			check: func(t *testing.T, _ *machine, _ v1.Image) {
				if content, _ := os.ReadFile(binding + "/open"); string(content) != "written\n" {
					t.Errorf("the host has %q", content)
				}
			},
		},
		{
			name: "workspace", args: []string{"--workspace", "/opt/source"}, want: []string{"see: directory /opt/source\n"},
			check: func(t *testing.T, _ *machine, img v1.Image) { wantConfig(t, img, "/opt/source", "production") },
		},
		{
			name: "ids", args: []string{"--uid", "4711", "--gid", "42"},
			check: func(t *testing.T, _ *machine, img v1.Image) { wantOwner(t, img, 4711, 42) },
		},
		{
			name: "group id", args: []string{"--gid", "0"},
			check: func(t *testing.T, _ *machine, img v1.Image) { wantOwner(t, img, 1000, 0) },
		},
		{
			name: "execution environment", args: []string{"--exec-env", "test"}, want: []string{"see: environment test\n"},
			check: func(t *testing.T, _ *machine, img v1.Image) { wantConfig(t, img, "/workspace", "test") },
		},
		{name: "network by default", args: []string{"--env", "SEE_URL=" + web.URL}, want: []string{"see: reached\n"}},
		{name: "network", args: []string{"--network", "none", "--env", "SEE_URL=" + web.URL}, want: []string{"see: network lo \n"}, not: []string{"see: reached"}},
		{
			name: "SBOM and report", args: []string{"--sbom-output-dir", "new/sbom", "--report-output-dir", "new/report"},
			check: func(t *testing.T, m *machine, img v1.Image) {
				digest, err := img.Digest()
				if err != nil {
					t.Fatal(err)
				}
				wantArtifacts(t, m, "new/sbom/launch/acme_see/kept/sbom.cdx.json", "new/report/report.toml", digest.String())
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			machine := newMachine(t).ordinary()
			image := reg.ref(strings.ReplaceAll(strings.ToLower(test.name), " ", "-"))
			_, out := machine.build(append([]string{image, "--builder", builder, "--path", app.dir, "--publish", "--engine", "sandbox", "--buildpack", reg.ref("see")}, test.args...)...)
			out.wantStderr(t, test.want...)
			out.wantNoStderr(t, test.not...)
			if test.check != nil {
				test.check(t, machine, reg.image(t, image))
			}
		})
	}
}

// TestFlagsOnDaemons gives a build on a daemon all flags at once that have to do
// with the engine. Other engines refuse those that only a daemon can do.
func TestFlagsOnDaemons(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	reg.pushImage(t, reg.ref("see"), buildpackage(t, seeing()))
	app := newApp(t, nil, map[string]string{"src/a": "a"})
	binding := openDir(t)
	writeFile(t, binding+"/type", "of the host\n")
	digest := ""
	for _, on := range append([]ground{{name: "sandbox"}}, daemonGrounds(t)...) {
		t.Run(on.name, func(t *testing.T) {
			machine := on.machine(t)
			args := []string{
				reg.ref("app-" + on.name), "--builder", builder, "--path", app.dir, "--publish", "--buildpack", reg.ref("see"),
				"--workspace", "source", "--uid", "4711", "--gid", "42", "--exec-env", "test", "--platform", "linux",
				"--volume", binding + ":/platform/bindings/x", "--sbom-output-dir", "new/sbom", "--report-output-dir", "report",
			}
			want := []string{"see: directory /source\n", "see: environment test\n", "see: /platform/bindings/x/type: of the host\n"}
			if on.daemon != nil {
				machine.env = nil // --docker-host says which one
				const named = "pack-cache-test-named"
				args = append(args, "--docker-host", on.daemon.Host, "--userns-host", "--volume", named+":/mnt/named:rw")
				out := machine.run(append([]string{"build", "--network", "pack-cache-no-network"}, args...)...)
				out.wantCode(t, 1)
				out.wantStderr(t, "pack-cache-no-network")
				defer func() {
					if err := on.daemon.Delete(context.Background(), "/v1.41/volumes/"+named); err != nil {
						t.Errorf("the volume is not there: %v", err)
					}
				}()
			}
			result, out := machine.build(args...)
			out.wantStderr(t, want...)
			out.wantNoStderr(t, "see: can write")
			img := reg.image(t, reg.ref("app-"+on.name))
			wantConfig(t, img, "/source", "test")
			wantOwner(t, img, 4711, 42)
			wantArtifacts(t, machine, "new/sbom/launch/acme_see/kept/sbom.cdx.json", "report/report.toml", result.Digest)
			if digest == "" {
				digest = result.Digest
			}
			if result.Digest != digest {
				t.Errorf("the image is %s instead of %s", result.Digest, digest)
			}
		})
	}
}

// wantConfig fails unless an app image starts in dir and is for an execution
// environment.
func wantConfig(t *testing.T, img v1.Image, dir, execEnv string) {
	t.Helper()
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	got := []string{config.Config.WorkingDir, config.Config.Labels["io.buildpacks.exec-env"]}
	if diff := cmp.Diff([]string{dir, execEnv}, got); diff != "" {
		t.Errorf("working directory and execution environment (-want +got):\n%s", diff)
	}
	if entryOf(t, img, strings.TrimPrefix(dir, "/")+"/hello.txt") == nil {
		t.Errorf("the application is not in %s", dir)
	}
}

// wantOwner fails unless the application and a layer in an image belong to a
// user and a group.
func wantOwner(t *testing.T, img v1.Image, uid, gid int) {
	t.Helper()
	for _, name := range []string{"hello.txt", "kept/file"} {
		entry := entryOf(t, img, name)
		if entry == nil {
			t.Fatalf("the image has no %s", name)
		}
		if entry.Uid != uid || entry.Gid != gid {
			t.Errorf("%s belongs to %d:%d instead of %d:%d", entry.Name, entry.Uid, entry.Gid, uid, gid)
		}
	}
}

// entryOf returns the entry of an image's layers whose name ends with suffix.
func entryOf(t *testing.T, img v1.Image, suffix string) *tar.Header {
	t.Helper()
	all, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for _, layer := range all {
		content, err := layer.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		defer content.Close()
		for archive := tar.NewReader(content); ; {
			entry, err := archive.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(entry.Name, suffix) && entry.Typeflag == tar.TypeReg {
				return entry
			}
		}
	}
	return nil
}

// wantArtifacts fails unless SBOM and report are there, the machine's user's, and
// nothing that a buildpack only made look like an SBOM.
func wantArtifacts(t *testing.T, m *machine, sbom, report, digest string) {
	t.Helper()
	for path, want := range map[string]string{sbom: "by see", report: digest} {
		content, err := os.ReadFile(filepath.Join(m.home, path))
		if err != nil || !strings.Contains(string(content), want) {
			t.Errorf("%s: %v: %q lacks %q", path, err, content, want)
			continue
		}
		if info, err := os.Stat(filepath.Join(m.home, path)); err != nil || int(info.Sys().(*syscall.Stat_t).Uid) != max(m.uid, os.Getuid()) {
			t.Errorf("%s is not the user's: %v", path, err)
		}
	}
}

// TestExtensionFlag builds with an image extension that the builder does not
// have. What cannot apply it says so.
func TestExtensionFlag(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	extension := extraBuildpack{"acme/mine", "1.0", map[string]string{
		"extension.toml": "api = \"0.10\"\n[extension]\nid = \"acme/mine\"\nversion = \"1.0\"\n",
		"bin/detect":     "#!/bin/sh\nexit 0\n",
		"bin/generate":   "#!/bin/sh\nprintf 'ARG base_image\\nFROM ${base_image}\\nUSER root\\nRUN mkdir -p /mnt/mine && echo extended > /mnt/mine/file\\nARG user_id\\nUSER ${user_id}\\n' > \"$CNB_OUTPUT_DIR/build.Dockerfile\"\n",
	}}
	reg.pushImage(t, reg.ref("see"), buildpackage(t, seeing()))
	args := []string{
		reg.ref("app"), "--builder", builder, "--path", newApp(t, nil, nil).dir, "--publish",
		"--buildpack", reg.ref("see"), "--extension", extension.dir(t, t.TempDir()),
	}
	out := newMachine(t).run(append([]string{"build", "--engine", "sandbox"}, args...)...)
	out.wantCode(t, 1)
	out.wantStderr(t, "acme/mine", "HINT: ", "--engine docker")
	for _, on := range daemonGrounds(t)[:1] {
		_, out := on.machine(t).build(args...)
		out.wantStderr(t, "see: /mnt/mine/file: extended\n")
	}
}

// TestForeignPlatform builds for a processor whose programs the daemon's machine
// cannot run.
func TestForeignPlatform(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder, run, other := reg.tiny(t, nil), reg.ref("samples/tiny-run"), "s390x"
	img, err := mutate.AppendLayers(reg.image(t, builder),
		static.NewLayer(tarOf(t, "", map[string]string{"cnb/lifecycle/detector": "a program of another machine"}), types.OCIUncompressedLayer))
	if err != nil {
		t.Fatal(err)
	}
	reg.pushImage(t, builder, img)
	for _, ref := range []string{builder, run} {
		reg.change(t, ref, ref, func(config *v1.ConfigFile) { config.Architecture = other })
	}
	args := []string{"build", reg.ref("app"), "--builder", builder, "--path", newApp(t, nil, nil).dir, "--publish"}
	out := newMachine(t).run(append(args, "--engine", "sandbox")...)
	out.wantCode(t, 1)
	out.wantStderr(t, "it is for linux/s390x, but this machine is linux/", "HINT: ")
	for _, on := range daemonGrounds(t)[:1] {
		out := on.machine(t).run(append(args, "--platform", "linux/"+other)...)
		out.wantCode(t, 1)
		out.wantStderr(t, "exec format error", "HINT: the machine of the daemon cannot run programs for linux/s390x")
	}
}

// TestNetworkOfContainer has a build in the network of a container: that of
// another build, which has none.
func TestNetworkOfContainer(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	reg.pushImage(t, reg.ref("see"), buildpackage(t, seeing()))
	on := daemonGrounds(t)[0]
	args := func(image string, settings map[string]string, more ...string) []string {
		return append([]string{"build", reg.ref(image), "--builder", builder, "--path", newApp(t, settings, nil).dir, "--publish"}, more...)
	}
	asleep := on.machine(t).start(args("asleep", map[string]string{"build-sleep": "600"}, "--network", "none")...)
	asleep.awaitLog("build: sleeping")
	var containers []struct {
		ID string `json:"Id"`
	}
	var body bytes.Buffer
	if err := on.daemon.Get(t.Context(), `/v1.41/containers/json?filters={"network":["none"],"name":["-build-"]}`, &body); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body.Bytes(), &containers); err != nil || len(containers) == 0 {
		t.Fatalf("no container: %v\n%s", err, body.String())
	}
	out := on.machine(t).run(args("awake", nil, "--buildpack", reg.ref("see"), "--network", "container:"+containers[0].ID)...)
	asleep.interrupt(syscall.SIGINT)
	asleep.wait()
	out.wantCode(t, 0)
	out.wantStderr(t, "see: network lo \n")
}
