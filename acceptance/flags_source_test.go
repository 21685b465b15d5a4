package acceptance

import (
	"archive/zip"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// zipOf writes a zip file. Names that end with a slash are directories, contents
// that begin with -> links.
func zipOf(t *testing.T, path string, creator uint16, files ...[2]string) string {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	archive := zip.NewWriter(file)
	for _, f := range files {
		header := &zip.FileHeader{Name: f[0], Method: zip.Deflate, Modified: time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC)}
		target, link := strings.CutPrefix(f[1], "->")
		switch {
		case strings.HasSuffix(f[0], "/"):
			header.SetMode(fs.ModeDir | 0o755)
		case link:
			header.SetMode(fs.ModeSymlink | 0o777)
		default:
			header.SetMode(0o640)
		}
		header.CreatorVersion = creator<<8 | header.CreatorVersion&0xff
		w, err := archive.CreateHeader(header)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(target)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestZip builds what is in a zip file, with its modes, times and links, and as
// pack everything for everybody where the zip has no modes.
func TestZip(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	list := newExtra("acme/list", "1.0", `find . -mindepth 1 -exec stat -c 'list: %A %Y %N' {} + | sort`)
	reg.pushImage(t, reg.ref("list"), buildpackage(t, list))
	const unix, fat = 3, 0
	dir := openDir(t)
	files := [][2]string{{"src/", ""}, {"src/a", "a"}, {"deep/down/b", "b"}, {"link", "->src/a"}, {"project.toml", "[build]\nbuilder = \"not/asked\"\n"}}
	for _, test := range []struct {
		name, path string
		want       []string
	}{
		{"zip", zipOf(t, dir+"/app.zip", unix, files...), []string{"list: -rw-r----- 1767323046 ./src/a\n", "list: -rw-r----- 1767323046 ./deep/down/b\n", "list: lrwxrwxrwx ", "./link' -> 'src/a'\n"}},
		{"jar", zipOf(t, dir+"/app.jar", fat, files[:3]...), []string{"list: -rwxrwxrwx 1767323046 ./src/a\n", "list: -rwxrwxrwx 1767323046 ./deep/down/b\n"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, out := newMachine(t).build(reg.ref(test.name), "--builder", builder, "--path", test.path, "--publish", "--buildpack", reg.ref("list"))
			out.wantStderr(t, test.want...)
		})
	}
	refusal{
		args: []string{reg.ref("app"), "--builder", builder, "--publish", "--path", zipOf(t, dir+"/hostile.zip", unix, [2]string{"../../outside", "x"})},
		code: 1, says: []string{`hostile.zip: "../../outside": the name leads out of the archive`},
	}.check(t, reg)
}

// TestPlatform chooses builder and run image of an index by their platform.
func TestPlatform(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	here, other := runtime.GOARCH, "arm64"
	if here == other {
		other = "amd64"
	}
	index := func(ref string) {
		img := reg.image(t, ref)
		var all []mutate.IndexAddendum
		for _, p := range []v1.Platform{{OS: "linux", Architecture: other}, {OS: "linux", Architecture: here, Variant: "v1"}, {OS: "linux", Architecture: here, Variant: "v2"}} {
			config, err := img.ConfigFile()
			if err != nil {
				t.Fatal(err)
			}
			config = config.DeepCopy()
			config.Architecture, config.Variant = p.Architecture, p.Variant
			config.Config.Labels["which"] = p.String()
			changed, err := mutate.ConfigFile(img, config)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, mutate.IndexAddendum{Add: changed, Descriptor: v1.Descriptor{Platform: &p}})
		}
		reg.pushIndex(t, ref, all...)
	}
	index(builder)
	index(reg.ref("samples/tiny-run"))
	args := []string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish", "--platform"}
	for _, platform := range []string{"linux/" + here + "/v2", "linux/" + here + "/v1"} {
		newMachine(t).build(append(args, platform)...)
		config, err := reg.image(t, reg.ref("app")).ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if got := config.Config.Labels["which"]; got != platform || config.Variant != platform[len(platform)-2:] {
			t.Errorf("--platform %s took the run image for %s; the app image is for %s", platform, got, config.Variant)
		}
	}
	for _, test := range []refusal{
		{name: "foreign", args: append(args, "linux/"+other, "--engine", "sandbox"), code: 2, says: []string{"--platform linux/" + other, "HINT: choose --engine docker"}},
		{name: "not there", args: append(args, "linux/"+here+"/v9"), code: 1, says: []string{"builder " + builder, "linux/" + here + "/v9", "HINT: "}},
		{name: "windows", args: append(args, "windows/amd64"), code: 2, says: []string{"builders for windows are not supported", "HINT: write it as linux/"}},
		{name: "nonsense", args: append(args, "a/b/c/d"), code: 2, says: []string{"it is not a platform", "HINT: write it as linux/"}},
	} {
		t.Run(test.name, func(t *testing.T) { test.check(t, reg) })
	}
}

// TestSystemBuildpacks has builders whose system.toml puts buildpacks before and
// after all others, unless the user does not want that. One that does not accept
// the application fails the build.
func TestSystemBuildpacks(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	plain := reg.image(t, reg.tiny(t, nil))
	settings := map[string]string{"detect-exit": "100"} // of samples/behave
	for name, value := range loudSettings {
		settings[name] = value
	}
	app := newApp(t, settings, nil)
	const before, after = "[[system.pre.buildpacks]]\nversion = \"1.0.0\"\n", "[[system.post.buildpacks]]\nversion = \"1.0.0\"\n"
	for _, test := range []struct {
		name, system string
		args         []string
		code         int
		want, not    []string
	}{
		{name: "none", want: []string{flagsBuilt}, not: []string{churnBuilt}},
		{name: "before", system: before + "id = \"samples/churn\"\n", want: []string{churnBuilt, flagsBuilt}},
		{name: "after", system: after + "id = \"samples/churn\"\n", want: []string{flagsBuilt, churnBuilt}},
		{name: "disabled", system: before + "id = \"samples/churn\"\n", args: []string{"--disable-system-buildpacks"}, want: []string{flagsBuilt}, not: []string{churnBuilt}},
		{name: "does not accept", system: before + "id = \"samples/behave\"\n", code: 20, want: []string{"fail: samples/behave@1.0.0"}, not: []string{flagsBuilt}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			name := strings.NewReplacer(" ", "-", ",", "").Replace(test.name)
			builder := reg.ref("builder-" + name)
			img, err := mutate.AppendLayers(plain, static.NewLayer(tarOf(t, "", map[string]string{"cnb/system.toml": test.system}), types.OCIUncompressedLayer))
			if err != nil {
				t.Fatal(err)
			}
			reg.pushImage(t, builder, img)
			out := newMachine(t).run(append([]string{"build", reg.ref("app-" + name), "--builder", builder, "--path", app.dir, "--publish", "--buildpack", "samples/flags"}, test.args...)...)
			out.wantCode(t, test.code)
			out.wantInOrder(t, test.want...)
			out.wantNoStderr(t, test.not...)
		})
	}
}

// TestProjectMetadata has the source of an app image in its label, if pack would.
func TestProjectMetadata(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	const declared = "[_]\nschema-version = \"0.2\"\nid = \"me\"\nversion = \"1.2\"\nsource-url = \"https://example.com/me\"\n[[_.licenses]]\ntype = \"MIT\"\n[_.metadata]\nx = 1\n"
	for _, test := range []struct {
		name, config, descriptor string
		git                      bool
		want                     string
	}{
		{"usual", "", declared, true, `{}`},
		{"declared in schema 0.2", "experimental = true\n", declared, true, `{"source":{"type":"git","version":{"commit":"COMMIT","describe":"v1"},"metadata":{"refs":["main","v1"],"url":"https://example.com/me.git"}}}`},
		{"declared in schema 0.1", "experimental = true\n", "[project]\nversion = \"1\"\n", false, `{"source":{"type":"project","version":{"declared":"1"},"metadata":{"url":""}}}`},
		{"git", "experimental = true\n", "", true, `{"source":{"type":"git","version":{"commit":"COMMIT","describe":"v1"},"metadata":{"refs":["main","v1"],"url":"https://example.com/me.git"}}}`},
		{"nothing", "experimental = true\n", "", false, `{}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			app := newApp(t, nil, map[string]string{"project.toml": test.descriptor})
			if test.git {
				for _, args := range []string{"init -q -b main", "remote add origin https://bob:hunter2@example.com/me.git", "commit -q --allow-empty -m x", "tag v1"} {
					git := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com", "-C", app.dir}, strings.Fields(args)...)...)
					if out, err := git.CombinedOutput(); err != nil {
						t.Fatalf("git %s: %v\n%s", args, err, out)
					}
				}
			}
			machine := newMachine(t)
			machine.write(".pack/config.toml", test.config, 0o600)
			image := reg.ref(strings.NewReplacer(" ", "-", ".", "").Replace(test.name))
			_, out := machine.build(image, "--builder", builder, "--path", app.dir, "--publish")
			out.wantNoStderr(t, "left out")
			config, err := reg.image(t, image).ConfigFile()
			if err != nil {
				t.Fatal(err)
			}
			var got, want any
			label := regexp.MustCompile(`"[0-9a-f]{40}"`).ReplaceAllString(config.Config.Labels["io.buildpacks.project.metadata"], `"COMMIT"`)
			if err := json.Unmarshal([]byte(label), &got); err != nil {
				t.Fatalf("label %q: %v", label, err)
			}
			if err := json.Unmarshal([]byte(test.want), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("label (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRefusedFlags gives flags of pack that make no sense here.
func TestRefusedFlags(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	for flag, why := range map[string]string{
		"--interactive": "there is no terminal interface", "--sparse": "an OCI layout is always written with its run image",
		"--buildpack-registry=official": "the buildpack registry is not asked", "--buildpack-registry official": "the buildpack registry is not asked",
		"-r official": "--buildpack-registry is not possible", "--lifecycle-image acme/lifecycle": "the phases that it would run are pack-cache's own",
		"--lifecycle-image=acme/lifecycle": "the phases that it would run are pack-cache's own",
		"-f Dockerfile":                    "--file is not possible: buildpacks make the image", "--exec-env=a/b": "cannot be the name of an execution environment",
		"--uid=-1": "is not an id", "--gid=4294967296": "is not an id",
		"--volume=relative:/x/y:rw,z": `option "z" is not known`, "--volume=./a:/b": "neither an absolute path nor the name of a volume",
		"--volume=/a:/layers": "the build itself mounts /layers", "--volume=/a:/cnb": "the build itself mounts /cnb", "--volume=/a:b": "not an absolute path",
		"--workspace=/cnb/x": "the build has something else there", "--workspace=/": "the build has something else there",
		"--volume=mine:/x": "volumes by name are those of a daemon", "--docker-host=tcp://x:1": "it is the address of a daemon", "--userns-host": "user namespaces of a daemon",
	} {
		name, _, _ := strings.Cut(strings.Fields(flag)[0], "=")
		args := []string{reg.ref("app"), "--builder", "acme/b", "--path", filepath.Dir(os.Args[0]), "--publish", "--engine", "sandbox"}
		refusal{
			args: append(args, strings.Fields(flag)...),
			code: 2, says: []string{name, why, "HINT: "},
		}.check(t)
	}
}

// TestGlobalFlags has the log as the flags that every command has want it.
func TestGlobalFlags(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	stamp := regexp.MustCompile(`(?m)^(\x1b\[[0-9]+m)?\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6} `)
	for _, test := range []struct {
		flag                    string
		stamps, quiet, colorful bool
		debug                   bool
	}{
		{flag: "--no-color"}, {flag: "--timestamps", stamps: true, colorful: true}, {flag: "-q", quiet: true, colorful: true}, {flag: "-v", debug: true, colorful: true},
	} {
		t.Run(test.flag, func(t *testing.T) {
			t.Parallel()
			machine := newMachine(t, "CLICOLOR_FORCE=1")
			out := machine.run("build", test.flag, reg.ref("app"+test.flag), "--builder", builder, "--path", app.dir, "--publish")
			out.wantCode(t, 0)
			got := []bool{stamp.MatchString(out.stderr), !strings.Contains(out.stderr, "BUILDING"), !test.quiet && strings.Contains(out.stderr, "\x1b["), strings.Contains(out.stderr, "sandbox: build runs with ids")}
			if diff := cmp.Diff([]bool{test.stamps, test.quiet, !test.quiet && test.colorful, test.debug}, got); diff != "" {
				t.Errorf("stamps, quiet, colors, debug (-want +got):\n%s\n%s", diff, out.stderr)
			}
			if !strings.HasPrefix(out.stdout, reg.ref("app"+test.flag)+"@sha256:") || strings.Count(out.stdout, "\n") != 1 {
				t.Errorf("standard output is %q", out.stdout)
			}
		})
	}
}
