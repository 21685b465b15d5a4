package acceptance

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestCacheCommands looks at the caches of builds, copies them between a registry
// and a directory, finds what is damaged, and prunes them; with a registry that
// gives out tokens for what a command needs and no more.
func TestCacheCommands(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{Delete: true, Auth: testregistry.Token, Users: []testregistry.User{
		{Name: "admin", Password: "admin-secret"},
		{Name: "reader", Password: "reader-secret", May: map[string][]string{"*": {"pull"}}},
	}})
	builder := reg.tiny(t, nil)
	app := newApp(t, map[string]string{"churn": "deps cache random 3 1000"}, nil)
	m := newMachine(t, registryAuth(t, reg.Addr, "admin", "admin-secret"))
	reader := newMachine(t, registryAuth(t, reg.Addr, "reader", "reader-secret"))
	build := func(tag string) string {
		result, _ := m.build(reg.ref("app"), "--builder", builder, "--trust-builder", "--path", app.dir, "--publish", "--cache-image", reg.ref("cache:"+tag))
		return result.Saved[0].Digest
	}
	main, branch := build("main"), build("branch")

	t.Run("inspect", func(t *testing.T) {
		out := reader.run("cache", "inspect", reg.ref("cache:main"), "--output", "json")
		out.wantCode(t, 0)
		var got struct {
			Digest, Target, Changed string
			Layers                  []struct {
				Layer, Codec, Digest string
				DiffID               string `json:"diff_id"`
				Cache                bool
				Size                 int64 `json:"size_bytes"`
				Unpacked             int64 `json:"uncompressed_bytes"`
			}
		}
		decode(t, out.stdout, &got)
		if got.Digest != main || !strings.HasPrefix(got.Target, "linux/") || got.Changed == "" {
			t.Errorf("%+v", got)
		}
		cache := reg.cache(t, reg.ref("cache:main"))
		var seen []string
		for _, l := range got.Layers {
			seen = append(seen, l.DiffID)
			if l.Layer == "" || !l.Cache || l.Codec != "zstd" || l.Unpacked < 1024 || l.Size < 1 {
				t.Errorf("%+v", l)
			}
		}
		for _, diffID := range cache.diffIDs {
			if !strings.Contains(strings.Join(seen, " "), diffID) {
				t.Errorf("layer %s is not shown", diffID)
			}
		}
		text := reader.run("cache", "inspect", reg.ref("cache:main"))
		wantLines(t, text.stdout, "Target:   linux/", "samples/churn:deps", "cache", "zstd")
		reader.run("cache", "inspect", reg.ref("app:latest")).wantCode(t, 1)
		missing := reader.run("cache", "inspect", reg.ref("cache:never"))
		missing.wantCode(t, 1)
		missing.wantStderr(t, "ERROR: there is no cache at", "HINT: `pack-cache cache list`")
	})
	t.Run("list", func(t *testing.T) {
		out := reader.run("cache", "list", reg.ref("cache"), "--output", "json")
		out.wantCode(t, 0)
		if diff := cmp.Diff(map[string]string{"main": main, "branch": branch}, listing(t, out)); diff != "" {
			t.Error(diff)
		}
		if got := listing(t, reader.run("cache", "list", reg.ref("app"), "--output", "json")); len(got) != 0 {
			t.Errorf("an app image is listed as a cache: %v", got)
		}
	})
	dir := filepath.Join(m.home, "kept")
	t.Run("copy", func(t *testing.T) {
		out := m.run("cache", "copy", reg.ref("cache:main"), "type=local,dest="+dir+",tag=copy", "--output", "json")
		out.wantCode(t, 0)
		if img, digest := localImage(t, dir, "copy"); digest != main {
			t.Errorf("the copy is %s instead of %s", digest, main)
		} else {
			cacheOf(t, img).wantWhole(t)
		}
		var counted struct {
			Size int64 `json:"size_bytes"`
			Sent int64 `json:"sent_bytes"`
		}
		if decode(t, out.stdout, &counted); counted.Size != counted.Sent {
			t.Errorf("%d bytes of %d were sent to an empty place", counted.Sent, counted.Size)
		}
		back := m.run("cache", "copy", "type=local,src="+dir+",tag=copy", reg.ref("other/cache:back"))
		back.wantCode(t, 0)
		if want := reg.ref("other/cache@" + main); strings.TrimSpace(back.stdout) != want {
			t.Errorf("copy printed %q, want %s", back.stdout, want)
		}
		again := m.run("cache", "copy", "type=local,src="+dir+",tag=copy", reg.ref("other/cache:back"))
		again.wantStderr(t, "of which 0 B had to be sent")
		reader.run("cache", "copy", reg.ref("cache:main"), reg.ref("forbidden:x")).wantCode(t, 4)
		over := m.run("cache", "copy", reg.ref("cache:main"), reg.ref("app:latest"))
		over.wantCode(t, 2)
		over.wantStderr(t, "is not a cache", "--overwrite")
		// A copy is a cache like any other.
		result, _ := m.build(reg.ref("app"), "--builder", builder, "--trust-builder", "--path", app.dir, "--publish", "--import-cache", "type=local,src="+dir+",tag=copy")
		if got := layerOf(t, result, "samples/churn:deps"); got.Restore != "restored" {
			t.Errorf("from the copy: %+v", got)
		}
	})
	t.Run("verify", func(t *testing.T) {
		reader.run("cache", "verify", reg.ref("cache:main")).wantCode(t, 0)
		place := "type=local,src=" + dir + ",tag=copy"
		whole := m.run("cache", "verify", place)
		whole.wantCode(t, 0)
		wantLines(t, whole.stdout, "ok       samples/churn:deps")
		img, _ := localImage(t, dir, "copy")
		_, hex, _ := strings.Cut(cacheOf(t, img).blob("samples/churn", "deps"), ":")
		path := filepath.Join(dir, "blobs", "sha256", hex)
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		content[len(content)/2] ^= 1
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		broken := m.run("cache", "verify", place, "--output", "json")
		broken.wantCode(t, 1)
		broken.wantStderr(t, "is damaged: 1 of ")
		var got struct {
			Damaged int
			Layers  []struct{ Layer, Damage string }
		}
		decode(t, broken.stdout, &got)
		for _, l := range got.Layers {
			if (l.Damage != "") != (l.Layer == "samples/churn:deps") {
				t.Errorf("%+v", l)
			}
		}
	})
	t.Run("prune", func(t *testing.T) {
		place := reg.ref("cache")
		m.run("cache", "prune", place).wantCode(t, 2)
		dry := m.run("cache", "prune", place, "--keep", "1", "--dry-run")
		dry.wantCode(t, 0)
		wantLines(t, dry.stdout, "would be deleted", "1 of 2 caches would be deleted")
		reader.run("cache", "prune", place, "--keep", "1").wantCode(t, 4)
		m.run("cache", "prune", place, "--older-than", "1d").wantCode(t, 0)
		if got := listing(t, reader.run("cache", "list", place, "--output", "json")); len(got) != 2 {
			t.Errorf("left are %v", got)
		}
		m.run("cache", "prune", reg.ref("cache:main"), "--keep", "0").wantCode(t, 0)
		if diff := cmp.Diff(map[string]string{"branch": branch}, listing(t, reader.run("cache", "list", place, "--output", "json"))); diff != "" {
			t.Error(diff)
		}
		// A dry run says what the real one does where a registry can delete a manifest
		// only with all of its names.
		for _, name := range []string{"a", "b"} {
			m.run("cache", "copy", reg.ref("cache:branch"), reg.ref("other/twins:"+name)).wantCode(t, 0)
		}
		for _, args := range [][]string{{"--dry-run"}, nil} {
			twins := m.run(append([]string{"cache", "prune", reg.ref("other/twins"), "--keep", "1"}, args...)...)
			twins.wantCode(t, 0)
			wantLines(t, twins.stdout, "the same as a, which stays", "0 of 2 caches")
		}
		local := m.run("cache", "prune", "type=local,src="+dir, "--keep", "0", "--unused-for", "0s")
		local.wantCode(t, 0)
		wantLines(t, local.stdout, "copy  deleted", "1 of 1 caches deleted", "that no name leads to removed")
		if left, err := os.ReadDir(filepath.Join(dir, "blobs", "sha256")); err != nil || len(left) > 0 {
			t.Errorf("%d blobs are left, %v", len(left), err)
		}
	})
	for _, request := range reg.TokenRequests() {
		if request.User == "reader" && strings.Contains(strings.Join(request.Granted, " "), "push") {
			t.Errorf("a reader's command got %v", request)
		}
	}
	m.run("cache", "copy", "one").wantCode(t, 2)
	m.run("cache", "inspect", "type=locl,src=x").wantCode(t, 2)
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("standard output is not one JSON value: %v\n%s", err, text)
	}
}

// listing is what `cache list` printed as JSON: digests by name.
func listing(t *testing.T, out outcome) map[string]string {
	t.Helper()
	out.wantCode(t, 0)
	var all []struct{ Name, Digest string }
	decode(t, out.stdout, &all)
	digests := map[string]string{}
	for _, one := range all {
		digests[one.Name] = one.Digest
	}
	return digests
}

// TestPruneBuilders removes the unpacked builders that a machine keeps, for every
// kind of user.
func TestPruneBuilders(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	for _, test := range []struct {
		name string
		user func(*machine) *machine
	}{
		{"whoever runs the tests", func(m *machine) *machine { return m }},
		{"an ordinary user", (*machine).ordinary},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := test.user(newMachine(t))
			m.build(reg.fresh("app"), "--builder", builder, "--path", app.dir, "--publish")
			prune := func(args ...string) int64 {
				t.Helper()
				out := m.run(append([]string{"cache", "prune", "--builders", "--output", "json"}, args...)...)
				out.wantCode(t, 0)
				var got struct {
					Freed int64 `json:"freed_bytes"`
				}
				decode(t, out.stdout, &got)
				return got.Freed
			}
			if freed := prune("--older-than", "1h"); freed != 0 {
				t.Errorf("freed %d bytes that were used a moment ago", freed)
			}
			dry := prune("--older-than", "0s", "--dry-run")
			if dry < 1<<20 {
				t.Errorf("a builder is said to take %d bytes", dry)
			}
			if freed := prune("--older-than", "0s"); freed < dry*9/10 || freed > dry*11/10 {
				t.Errorf("freed %d bytes instead of %d", freed, dry)
			}
			if freed := prune("--older-than", "0s"); freed != 0 {
				t.Errorf("freed %d bytes the second time", freed)
			}
			// It is unpacked again.
			m.build(reg.fresh("app"), "--builder", builder, "--path", app.dir, "--publish")
			m.run("cache", "prune", "--builders").wantCode(t, 2)
			m.run("cache", "prune", "--builders", "type=local,src=x").wantCode(t, 2)
		})
	}
}
