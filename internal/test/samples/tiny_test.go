package samples_test

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/samples"
)

// tinyTree unpacks the tiny builder and puts an application into it.
func tinyTree(t *testing.T, files map[string]string) tree {
	t.Helper()
	r, _ := clone(t, images.tinyBuild)
	for name, content := range files {
		r.write(t, "workspace/"+name, content)
	}
	return r
}

func wantLines(t *testing.T, log string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(log, line+"\n") {
			t.Errorf("no line %q", line)
		}
	}
	if t.Failed() {
		t.Log(log)
	}
}

// TestTinyReproducible assembles the builder once more from the same packages.
func TestTinyReproducible(t *testing.T) {
	t.Parallel()
	first := tiny(t, samples.Options{})
	shared := os.Getenv(samples.CacheDirEnv)
	if shared == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		shared = filepath.Join(user, "pack-cache-samples")
	}
	again := t.TempDir()
	if err := os.Symlink(filepath.Join(shared, "debian"), filepath.Join(again, "debian")); err != nil {
		t.Fatal(err)
	}
	second := tiny(t, samples.Options{CacheDir: again})
	if digestOf(t, first.Build) != digestOf(t, second.Build) || digestOf(t, first.Run) != digestOf(t, second.Run) {
		t.Error("made again, it is another builder")
	}
}

func TestTinyLifecycle(t *testing.T) {
	t.Parallel()
	r := tinyTree(t, nil)
	for _, program := range []string{"lifecycle", "analyzer", "detector", "restorer", "builder", "exporter", "creator"} {
		out := r.mustRun(t, []string{"CNB_PLATFORM_API=0.12"}, "/cnb/lifecycle/"+program, "-version")
		if strings.TrimSpace(out) != samples.LifecycleVersion {
			t.Errorf("%s is version %q", program, out)
		}
	}
	for _, program := range []string{"lifecycle", "launcher"} {
		if sbom := r.read(t, "cnb/lifecycle/"+program+".sbom.cdx.json"); !strings.Contains(sbom, "pkg:golang/github.com/buildpacks/lifecycle@v"+samples.LifecycleVersion) {
			t.Errorf("the SBOM of %s does not name the lifecycle that was compiled", program)
		}
	}
	if _, err := os.Lstat(filepath.Join(r.dir, "cnb/lifecycle/lifecycle.toml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("lifecycle.toml is there, which pack leaves out of builders: %v", err)
	}
}

func TestTinyFlags(t *testing.T) {
	t.Parallel()
	r := tinyTree(t, map[string]string{"bp-config/count": ""})
	layers := []string{"none", "only-launch", "only-build", "only-cache", "launch-build", "launch-cache", "build-cache", "launch-build-cache"}
	log := r.build(t)
	for _, layer := range layers {
		wantLines(t, log, "flags: "+layer+": new")
		toml := r.read(t, "layers/samples_flags/"+layer+".toml")
		for _, flag := range []string{"launch", "build", "cache"} {
			want := flag + " = false"
			if strings.Contains(layer, flag) {
				want = flag + " = true"
			}
			wantLines(t, toml, want)
		}
	}

	// The lifecycle leaves the content of a layer that was not asked for, and
	// the platform the content of one for launch alone.
	for _, gone := range []string{"none", "none.ignore", "none.toml", "only-launch"} {
		if err := os.RemoveAll(filepath.Join(r.dir, "layers/samples_flags", gone)); err != nil {
			t.Fatal(err)
		}
	}
	log = r.build(t)
	wantLines(t, log, "flags: none: new", "flags: only-launch: known", "flags: launch-cache: restored", "flags: builds before this one: 1")
	if _, err := os.Stat(filepath.Join(r.dir, "layers/samples_flags/only-launch")); err == nil {
		t.Error("a layer for launch alone was made again")
	}
}

func TestTinyLaunch(t *testing.T) {
	t.Parallel()
	r := tinyTree(t, map[string]string{"bp-config/legacy": ""})
	r.build(t)
	for process, want := range map[string][]string{
		"web": {
			"hello from tiny", "from layer only-launch", "FLAGS_BOTH=both", "FLAGS_LAUNCH=launch", "FLAGS_DEFAULT=default",
			"FLAGS_WEB=web", "FLAGS_APPENDED=launch-build-cache:only-launch", "FLAGS_PREPENDED=only-launch,launch-build-cache",
			"FLAGS_EXECD=all", "FLAGS_EXECD_WEB=web",
		},
		"elsewhere":     {"/tmp", "FLAGS_EXECD=all"},
		"arguments":     {"always by default"},
		"legacy":        {"legacy: by the profile script"},
		"legacy-direct": {"legacy: $LEGACY_PROFILE"},
	} {
		link := filepath.Join(r.dir, "cnb/process", process)
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("/cnb/lifecycle/launcher", link); err != nil {
			t.Fatal(err)
		}
		out := r.mustRun(t, []string{"CNB_PLATFORM_API=0.15", "CNB_APP_DIR=/workspace"}, "/cnb/process/"+process)
		wantLines(t, out, want...)
	}
}

func TestTinyChurn(t *testing.T) {
	t.Parallel()
	r := tinyTree(t, map[string]string{"bp-config/churn": `# NAME FLAGS KIND FILES BYTES
stays cache keep
moves launch,cache same 2 50
changes build,cache change 1 100000
partly cache one
gone cache keep
`})
	log := r.build(t)
	wantLines(t, log, "churn: stays: new", "churn: gone: new", "churn: partly: new")
	content := func(name string) string { return r.read(t, "layers/samples_churn/"+name) }
	stays, moves, changes := content("stays/file-1"), content("moves/file-2"), content("changes/file-1")
	partly1, partly2 := content("partly/file-1"), content("partly/file-2")

	r.write(t, "workspace/bp-config/churn", "stays cache keep\nmoves launch,cache same 2 50\nchanges build,cache change 1 100000\npartly cache one\nadded - keep\n")
	r.write(t, "platform/env/BP_SEED", "2")
	log = r.build(t)
	wantLines(t, log, "churn: stays: restored", "churn: gone: removed", "churn: added: new")
	if content("stays/file-1") != stays || content("moves/file-2") != moves || content("partly/file-2") != partly2 {
		t.Error("what should stay has changed")
	}
	if content("changes/file-1") == changes || content("partly/file-1") == partly1 {
		t.Error("what should change has stayed")
	}
	if len(changes) != 100000 || len(moves) != 50 {
		t.Errorf("sizes %d and %d", len(changes), len(moves))
	}
}

func TestTinyChurnOddities(t *testing.T) {
	t.Parallel()
	r := tinyTree(t, map[string]string{"bp-config/churn": "odd cache odd\nfifo cache fifo\nlocked cache locked\nastray cache astray\n"})
	wantLines(t, r.build(t), "churn: odd: new", "churn: astray: new")
	info, err := os.Lstat(filepath.Join(r.dir, "layers/samples_churn/odd/setuid"))
	if err != nil || info.Mode()&os.ModeSetuid == 0 {
		t.Errorf("%v, %v", info, err)
	}
	for name, want := range map[string]os.FileMode{"fifo/pipe": os.ModeNamedPipe, "locked/file": 0, "astray": os.ModeSymlink} {
		info, err := os.Lstat(filepath.Join(r.dir, "layers/samples_churn", name))
		if err != nil || info.Mode().Type() != want {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	r.write(t, "workspace/bp-config/churn", "odd cache nonsense\n")
	if out, err := r.phase(t, "builder"); err == nil || !strings.Contains(out, "unknown kind") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestTinyMake(t *testing.T) {
	t.Parallel()
	r := tinyTree(t, map[string]string{"src/a": "a", "src/b": "b"})
	old := filepath.Join(r.dir, "workspace/src")
	for _, name := range []string{"a", "b"} {
		setTime(t, filepath.Join(old, name), 2020)
	}
	wantLines(t, r.build(t), "make: rebuilt 2 of 2, linked yes")
	wantLines(t, r.build(t), "make: rebuilt 0 of 2, linked no")
	setTime(t, filepath.Join(old, "a"), 2100)
	wantLines(t, r.build(t), "make: rebuilt 1 of 2, linked yes")
	setTime(t, filepath.Join(old, "a"), 2020)

	// What a platform does to a build that sets all times to 1980.
	if err := filepath.WalkDir(filepath.Join(r.dir, "layers/samples_make/objects"), func(name string, _ os.DirEntry, err error) error {
		setTime(t, name, 1980)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	wantLines(t, r.build(t), "make: rebuilt 2 of 2, linked yes")

	if err := os.RemoveAll(old); err != nil {
		t.Fatal(err)
	}
	if log := r.build(t); strings.Contains(log, "make:") {
		t.Errorf("without src, make is in the group:\n%s", log)
	}
}

func TestTinyBehave(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		config  map[string]string
		failing string
		output  string
	}{
		{name: "detect says no", config: map[string]string{"detect-exit": "100"}, failing: "detector", output: "fail: samples/behave"},
		{name: "detect breaks", config: map[string]string{"detect-exit": "7"}, failing: "detector", output: "7"},
		{name: "build breaks", config: map[string]string{"build-exit": "9"}, failing: "builder", output: "build: exiting with 9"},
		{name: "build prints its environment", config: map[string]string{"build-print-env": ""}, output: "build: env: FLAGS_BUILD=build"},
		{name: "build sleeps", config: map[string]string{"build-sleep": "0"}, output: "build: slept"},
		{name: "build fills", config: map[string]string{"build-fill": "1"}, output: "build: writing 1 MB"},
		{name: "build tells its place", config: map[string]string{"print-place": ""}, output: "place: writable: /layers"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := tinyTree(t, nil)
			for key, value := range test.config {
				r.write(t, "workspace/bp-config/"+key, value)
			}
			for _, phase := range []string{"detector", "builder"} {
				out, err := r.phase(t, phase)
				if failing := phase == test.failing; failing != (err != nil) {
					t.Fatalf("%s: %v\n%s", phase, err, out)
				}
				if phase == test.failing || phase == "builder" {
					if !strings.Contains(out, test.output) {
						t.Errorf("no %q in\n%s", test.output, out)
					}
					return
				}
			}
		})
	}
}

func TestTinyProbe(t *testing.T) {
	t.Parallel()
	const secret = `p'a"ss $word\n`
	probed := func(t *testing.T, r tree, env ...string) string {
		t.Helper()
		r.write(t, "workspace/bp-config/probe", hex.EncodeToString([]byte("another one"))+"\n"+hex.EncodeToString([]byte(secret))+"\n")
		log := r.build(t, env...)
		if strings.Count(log, "probe: done, ") != 2 || !strings.Contains(log, "detect: probe: done, ") {
			t.Errorf("detect and build should both have looked:\n%s", log)
		}
		return log
	}
	t.Run("nothing", func(t *testing.T) {
		t.Parallel()
		if log := probed(t, tinyTree(t, nil)); strings.Contains(log, "FOUND") {
			t.Error(log)
		}
	})
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		r := tinyTree(t, map[string]string{"deep/down/file": "before " + secret + " after"})
		r.write(t, "home/cnb/.docker/config.json", "another one")
		wantLines(t, probed(t, r), "probe: FOUND /workspace/deep/down/file", "probe: FOUND /home/cnb/.docker/config.json",
			"detect: probe: FOUND /workspace/deep/down/file")
	})
	t.Run("descriptor and socket", func(t *testing.T) {
		t.Parallel()
		r := tinyTree(t, nil)
		socket, err := net.Listen("unix", filepath.Join(r.dir, "workspace/socket"))
		if err != nil {
			t.Fatal(err)
		}
		defer socket.Close()
		leak, err := os.CreateTemp(t.TempDir(), "leak")
		if err != nil {
			t.Fatal(err)
		}
		defer leak.Close()
		if _, err := leak.WriteString("in no directory: " + secret); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(leak.Name()); err != nil {
			t.Fatal(err)
		}
		r.inherited = leak
		log := probed(t, r)
		wantLines(t, log, "probe: socket /workspace/socket")
		for _, place := range []string{"probe: fd 3 ", "probe: FOUND /proc/1/fd/3 -> "} {
			if !strings.Contains(log, place) {
				t.Errorf("no %q in\n%s", place, log)
			}
		}
	})
	t.Run("environment", func(t *testing.T) {
		t.Parallel()
		r := tinyTree(t, nil)
		r.write(t, "platform/env/LEAK", "another one")
		log := probed(t, r, "LEAK="+secret)
		for _, place := range []string{"probe: FOUND environment", "probe: FOUND /proc/1/environ", "probe: FOUND memory of 1"} {
			if !strings.Contains(log, place) {
				t.Errorf("not found in %s:\n%s", place, log)
			}
		}
	})
}
