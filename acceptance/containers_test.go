package acceptance

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/pack-cache/pack-cache/internal/test/samples"
	"github.com/pack-cache/pack-cache/internal/test/testdocker"
	"github.com/pack-cache/pack-cache/internal/test/testneeds"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest"
	"github.com/pack-cache/pack-cache/lifecycle/inplace/takeoverimage"
)

// container is what a machine's commands run in: each in a new one, with the
// network of this machine, where the registries are.
type container struct {
	daemon *testdocker.Daemon
	image  string
	// flags are those of docker run.
	flags []string
	// secret are files in it that buildpacks must not read.
	secret []string
	// shell puts a shell around pack-cache, as CI systems do: it is the first
	// process of the container, and has the whole environment.
	shell bool
	// source is copied to /workspace first, "" for nothing, and after is what the
	// shell does in the end.
	source, after string
	// before is what the shell does first.
	before string
}

// command prepares pack-cache in a new container, which sees the machine's home
// and the sources of applications.
func (c *container) command(ctx context.Context, m *machine, args []string) *exec.Cmd {
	run := []string{"--host", c.daemon.Host, "run", "--rm", "--network", "host", "--volume", m.home + ":" + m.home, "--workdir", m.home, "--env", "HOME=" + m.home}
	for _, entry := range m.env {
		run = append(run, "--env", entry)
	}
	for i, arg := range args {
		if arg == "--path" && args[i+1] != lifecycle.AppDir {
			run = append(run, "--volume", args[i+1]+":"+args[i+1]+":ro")
		}
	}
	if c.source != "" {
		run = append(run, "--volume", c.source+":"+c.source+":ro")
	}
	run = append(run, c.flags...)
	switch {
	case c.shell:
		script := `/opt/pack-cache "$@"; exit $?`
		if c.after != "" {
			script = `cp -R "` + c.source + `/." /workspace/; /opt/pack-cache "$@" || exit $?; ` + c.after
		}
		run = append(run, "--volume", binary+":/opt/pack-cache:ro", "--entrypoint", "/bin/sh", c.image, "-c", c.before+script, "sh")
	default:
		run = append(run, c.image)
	}
	return exec.CommandContext(ctx, "docker", append(run, args...)...)
}

// load puts an image into the daemon.
func (g ground) load(t *testing.T, tag string, img v1.Image) {
	t.Helper()
	ref, err := name.NewTag(tag)
	if err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	if err := tarball.Write(ref, img, &archive); err != nil {
		t.Fatal(err)
	}
	load := exec.CommandContext(t.Context(), "docker", "--host", g.daemon.Host, "load")
	load.Stdin = &archive
	if out, err := load.CombinedOutput(); err != nil {
		t.Fatalf("docker load: %v\n%s", err, out)
	}
}

// restricted are the flags of a container that may nothing, as Pod Security's
// profile "restricted" asks for.
func restricted(user string) []string {
	return []string{"--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", user}
}

// emptyVolumes returns flags of docker run that mount what Kubernetes' emptyDir
// is: directories of root that everybody can write to.
func emptyVolumes(t *testing.T) []string {
	t.Helper()
	var flags []string
	for _, at := range []string{lifecycle.LayersDir, lifecycle.AppDir} {
		dir := filepath.Join(t.TempDir(), "volume")
		if err := errors.Join(os.Mkdir(dir, 0o777), os.Chmod(dir, 0o777)); err != nil {
			t.Fatal(err)
		}
		flags = append(flags, "--volume", dir+":"+at)
	}
	return flags
}

// confinements are containers in which builds run without a daemon or
// namespaces of their own.
func confinements(t *testing.T, builder string, reg *registry) map[string]*container {
	t.Helper()
	daemon, err := daemons["docker"].start()
	if err != nil {
		testneeds.Missing(t, "cannot start docker: %v", err)
	}
	ref, err := name.ParseReference(builder)
	if err != nil {
		t.Fatal(err)
	}
	img, err := remote.Image(ref, remote.WithAuthFromKeychain(reg.keychain), remote.WithTransport(reg.Transport()))
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	own, err := takeoverimage.New(takeoverimage.Content{Program: program, Version: "test", Architecture: config.Architecture})
	if err != nil {
		t.Fatal(err)
	}
	id := strings.ToLower(rand.Text())
	on := ground{daemon: daemon}
	on.load(t, "test.local/builder:"+id, img)
	on.load(t, "test.local/takeover:"+id, own)
	inside := func(shell bool, kind string, flags []string) *container {
		return &container{daemon: daemon, image: "test.local/" + kind + ":" + id, flags: flags, shell: shell}
	}
	return map[string]*container{
		"inplace as root":                    inside(true, "builder", []string{"--user", "0:0"}),
		"inplace restricted":                 inside(true, "builder", restricted(config.Config.User)),
		"inplace with empty volumes":         inside(true, "builder", append(restricted(config.Config.User), emptyVolumes(t)...)),
		"inplace as root with empty volumes": inside(true, "builder", append([]string{"--user", "0:0"}, emptyVolumes(t)...)),
		"takeover with empty volumes":        inside(false, "takeover", append(restricted(config.Config.User), emptyVolumes(t)...)),
		"takeover as root":                   inside(false, "takeover", []string{"--user", "0:0"}),
		"takeover restricted":                inside(false, "takeover", restricted(config.Config.User)),
		"takeover by anybody":                inside(false, "takeover", restricted("4711:0")),
	}
}

// TestContainers builds in containers that allow nothing: every one a machine
// that has never built before. All give the image that the sandbox gives, and
// take over its cache.
func TestContainers(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, map[string]string{"src/a": "a", "src/b": "b"})
	args := func(name string) []string {
		return []string{reg.ref("app-" + name), "--path", app.dir, "--cache-image", reg.ref("cache-" + name), "--publish"}
	}
	want, _ := ground{name: "sandbox"}.machine(t).build(append(args("sandbox"), "--builder", builder)...)
	for name, in := range confinements(t, builder, reg) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			engine, _, _ := strings.Cut(name, " ")
			args := args(strings.ReplaceAll(name, " ", "-"))
			if engine == "takeover" || slices.Contains(in.flags, "0:0") {
				args = append(args, "--builder", builder) // else pack-cache finds out
			}
			cold, out := in.machine(t).build(args...)
			out.wantStderr(t, "Engine "+engine+": ", "make: rebuilt 2 of 2, linked yes")
			warm, out := in.machine(t).build(append(args, "--import-cache", "type=registry,ref="+reg.ref("cache-sandbox"))...)
			out.wantStderr(t, "flags: launch-build-cache: restored", "make: rebuilt 0 of 2, linked no")
			for id, at := range fates(warm) {
				if diff := cmp.Diff(fate{"restored", "reused"}, at); diff != "" {
					t.Errorf("%s in the warm build (-want +got):\n%s", id, diff)
				}
			}
			if cold.Digest != want.Digest || warm.Digest != want.Digest {
				t.Errorf("the images are %s and %s instead of %s", cold.Digest, warm.Digest, want.Digest)
			}
			t.Logf("cold %.2f s, warm %.2f s", cold.Seconds, warm.Seconds)
		})
	}
}

// machine returns a new machine whose commands run in such containers.
func (c *container) machine(t *testing.T) *machine {
	t.Helper()
	m := newMachine(t)
	m.container = c
	if err := os.Chmod(m.home, 0o777); err != nil { // whoever the container's user is
		t.Fatal(err)
	}
	return m
}

// surround puts secrets where others in a container may have them: in mounts, and,
// where there is a shell, in another program of the same user.
func (m *machine) surround() secrets {
	m.t.Helper()
	all := m.mountSecrets()
	for _, path := range m.written { // only the engine keeps them out of reach
		if err := os.Chmod(path, 0o666); err != nil {
			m.t.Fatal(err)
		}
	}
	if c := m.container; c.shell {
		secret := rand.Text()
		all = append(all, secret)
		c.flags = append(c.flags, "--env", "OTHER="+secret, "--volume", enginetest.Program(m.t)+":/opt/other:ro")
		c.before = "mkdir /var/tmp/other && { sleep 600 | SECRET=$OTHER exec /opt/other victim /var/tmp/other > /dev/null & } && " +
			"until [ -e /var/tmp/other/socket ]; do sleep 0.01; done; unset OTHER; "
	}
	return all
}

// places are where an attack in a container looks, as nobody can list its root.
func (m *machine) places() []string {
	places := []string{"/", "/etc", "/usr", "/opt", "/cnb", "/tmp", "/var", "/run", "/secrets", "/root", "/home", "/var/tmp/other"}
	for _, path := range append(m.container.secret, m.written...) {
		places = append(places, path, filepath.Dir(path))
	}
	return places
}

// mountSecrets has containers mount secrets, as clusters do, and a socket.
func (m *machine) mountSecrets() secrets {
	m.t.Helper()
	copied := *m.container
	m.container = &copied
	copied.flags = slices.Clone(copied.flags)
	var all secrets
	for _, target := range []string{"/run/secrets/token", "/etc/secret/token", "/usr/share/secret", "/tmp/secret", "/secrets/token"} {
		secret := rand.Text()
		all = append(all, secret)
		file := filepath.Join(openDir(m.t), "secret")
		if err := os.WriteFile(file, []byte(secret), 0o644); err != nil {
			m.t.Fatal(err)
		}
		copied.flags = append(copied.flags, "--volume", file+":"+target+":ro")
		copied.secret = append(copied.secret, target)
	}
	socket := filepath.Join(openDir(m.t), "daemon.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { listener.Close() })
	if err := os.Chmod(socket, 0o777); err != nil {
		m.t.Fatal(err)
	}
	copied.flags = append(copied.flags, "--volume", socket+":/run/daemon.sock")
	return all
}

// TestInPlace is what is different for a pack-cache that runs in the builder.
func TestInPlace(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	in := confinements(t, builder, reg)["inplace restricted"]
	app := newApp(t, nil, map[string]string{"src/a": "a", "src/b": "b"})
	args := func(name string, more ...string) []string {
		return append([]string{reg.ref("app-" + name), "--path", app.dir, "--publish"}, more...)
	}
	want, _ := ground{name: "sandbox"}.machine(t).build(args("sandbox", "--builder", builder)...)
	t.Run("the source is in /workspace, and stays", func(t *testing.T) {
		t.Parallel()
		moved := *in
		moved.source = app.dir
		moved.after = "cd /workspace && find . -type f | sort && ls -A /layers /var/tmp /tmp >&2"
		out := moved.machine(t).run("build", reg.ref("app-moved"), "--publish", "--quiet", "--path", "/workspace", "--engine", "inplace")
		out.wantCode(t, 0)
		result, left, _ := strings.Cut(out.stdout, "\n")
		if !strings.HasSuffix(result, want.Digest) {
			t.Errorf("the image is %s instead of %s", result, want.Digest)
		}
		if diff := cmp.Diff("./hello.txt\n./src/a\n./src/b\n", left); diff != "" {
			t.Errorf("/workspace (-want +got):\n%s", diff)
		}
		out.wantNoStderr(t, "samples_", "pack-cache-place")
	})
	t.Run("a buildpack of the user's", func(t *testing.T) {
		t.Parallel()
		app := newApp(t, nil, nil)
		bp := newExtra("acme/extra", "1", "")
		bp.dir(t, filepath.Join(app.dir, "extra"))
		for path := range bp.files { // for whoever the container's user is
			if err := os.Chmod(filepath.Join(app.dir, "extra", path), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		extra := []string{"--path", app.dir, "--pre-buildpack", filepath.Join(app.dir, "extra"), "--publish"}
		here, out := in.machine(t).build(append(extra, reg.ref("app-extra-here"))...)
		out.wantStderr(t, "extra: acme/extra", "flags: only-launch: new")
		there, _ := ground{name: "sandbox"}.machine(t).build(append(extra, reg.ref("app-extra-there"), "--builder", builder)...)
		if here.Digest != there.Digest {
			t.Errorf("the images are %s and %s", here.Digest, there.Digest)
		}
	})
	t.Run("another builder is named", func(t *testing.T) {
		t.Parallel()
		other := reg.ref("other-builder")
		reg.relabel(t, builder, other, "io.buildpacks.builder.metadata", samples.LifecycleVersion, "0.0.1")
		out := in.machine(t).run(append([]string{"build", "--engine", "inplace"}, args("other", "--builder", other)...)...)
		out.wantCode(t, 1)
		out.wantStderr(t, "pack-cache runs in another builder than the one named", "leave out --builder")
	})
	t.Run("a volume", func(t *testing.T) {
		t.Parallel()
		out := in.machine(t).run(append([]string{"build", "--engine", "inplace", "--volume", "/opt:/mnt/opt"}, args("volume")...)...)
		out.wantCode(t, 2)
		out.wantStderr(t, "engine inplace cannot mount anything")
	})
	t.Run("a volume, and any engine", func(t *testing.T) {
		t.Parallel()
		out := in.machine(t).run(append([]string{"build", "--volume", "/opt:/mnt/opt"}, args("volume-anywhere")...)...)
		out.wantCode(t, 2)
		out.wantStderr(t, "ERROR: no builder given: engine inplace cannot mount anything", "HINT: or name a builder with --builder")
	})
	t.Run("by somebody who may not write to /layers", func(t *testing.T) {
		t.Parallel()
		closed := *in
		closed.flags = append(restricted("4711:0"), "--volume", t.TempDir()+":/layers:ro")
		out := closed.machine(t).run(append([]string{"build"}, args("closed")...)...)
		out.wantCode(t, 1)
		out.wantStderr(t, "ERROR: no builder given, and engine inplace cannot use the one that pack-cache runs in: ", "/layers",
			"HINT: or name a builder with --builder", "HINT: give the container a directory /layers that its user may write to")
	})
	t.Run("no network", func(t *testing.T) {
		t.Parallel()
		out := in.machine(t).run(append([]string{"build", "--engine", "inplace", "--network", "none"}, args("network")...)...)
		out.wantCode(t, 1)
		out.wantStderr(t, "phases have the container's network")
	})
	t.Run("not inside a builder", func(t *testing.T) {
		t.Parallel()
		for engine, why := range map[string]string{"inplace": "does not run inside a builder image", "takeover": "not a container of pack-cache's takeover image"} {
			out := newMachine(t).run(append([]string{"build", "--engine", engine}, args("outside", "--builder", builder)...)...)
			out.wantCode(t, 1)
			out.wantStderr(t, why)
		}
	})
}

// relabel pushes an image anew with a text in a label replaced.
func (r *registry) relabel(t *testing.T, from, to, label, old, replacement string) {
	t.Helper()
	source, err := name.ParseReference(from)
	if err != nil {
		t.Fatal(err)
	}
	target, err := name.ParseReference(to)
	if err != nil {
		t.Fatal(err)
	}
	options := []remote.Option{remote.WithAuthFromKeychain(r.keychain), remote.WithTransport(r.Transport())}
	img, err := remote.Image(source, options...)
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	changed := config.Config.DeepCopy()
	changed.Labels[label] = strings.Replace(changed.Labels[label], old, replacement, 1)
	if img, err = mutate.Config(img, *changed); err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(target, img, options...); err != nil {
		t.Fatal(err)
	}
}
