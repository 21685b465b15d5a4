package acceptance

import (
	"encoding/json"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/platform"
)

// faulty is what the rows of the tables of faults have in common: a builder,
// unpacked once, and a snapshot in a directory.
type faulty struct {
	reg               *registry
	builder, snapshot string
	// unpacked is the cache directory of all machines.
	unpacked string
	apps     atomic.Int64
	// digest is that of the snapshot, config that of its config.
	digest, config string
}

func newFaulty(t *testing.T) *faulty {
	t.Helper()
	f := &faulty{reg: newRegistry(t, testregistry.Options{}), snapshot: openDir(t) + "/snapshot", unpacked: openDir(t)}
	f.builder = f.reg.tiny(t, nil)
	result, _ := f.machine(t, nil).build(f.args(t, false, "--export-cache", "type=local,dest="+f.snapshot)[1:]...)
	f.digest = result.Saved[0].Digest
	img, _ := localImage(t, f.snapshot, "latest")
	config, err := img.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	f.config = config.String()
	return f
}

// machine is one that has the builder already.
func (f *faulty) machine(t *testing.T, env []string) *machine {
	return newMachine(t, append([]string{"XDG_CACHE_HOME=" + f.unpacked}, env...)...)
}

// args builds an app of which one layer is new in each build: 300 kB, or 9 MB if
// it is large.
func (f *faulty) args(t *testing.T, large bool, more ...string) []string {
	size := "3 99999"
	if large {
		size = "9 1000000"
	}
	app := newApp(t, map[string]string{"churn": "deps cache random " + size}, nil)
	name := f.reg.ref("app" + strconv.FormatInt(f.apps.Add(1), 10))
	return append([]string{"build", "--output", "json", name, "--builder", f.builder, "--path", app.dir, "--publish"}, more...)
}

// path is the regular expression for requests, of which some know the config.
func (f *faulty) path(path string) *regexp.Regexp {
	path = strings.ReplaceAll(path, configBlob, "/blobs/"+f.config)
	if path == layerBlob {
		// All that begin with another digit than the config's digest.
		path = "/blobs/sha256:[^" + strings.TrimPrefix(f.config, "sha256:")[:1] + "]"
	}
	return regexp.MustCompile(path)
}

// faultyRow is one row of a table: what happens to which requests of a store.
type faultyRow struct {
	store faultyStore
	side  reach
	at    requests
	kind  faultKind
	// required is with --cache-required.
	required bool
}

func (r faultyRow) name() string {
	side := map[reach]string{reads: "import", writes: "export"}[r.side]
	name := strings.Join([]string{r.store.name, side, r.at.name, r.kind.name}, "/")
	if r.required {
		name += "/required"
	}
	return strings.ReplaceAll(name, " ", "_")
}

// ends is what becomes of the import or export.
func (r faultyRow) ends() ending {
	if r.at.harmless && r.kind.ends == lost {
		return open
	}
	return r.kind.ends
}

// rowNumber gives every row a name in its store.
var rowNumber atomic.Int64

// faultBound is how long a build may take with any fault. A clean build is done
// in a second; faults may cost 30, and the machine may be slow.
const faultBound = 75 * time.Second

// faultRequests is how many requests may meet one fault: each of seven blobs, the
// manifest and the config, several times, in the main process and in phases.
const faultRequests = 150

// run builds with the fault and looks at what is left.
func (r faultyRow) run(t *testing.T, f *faulty) {
	cache := r.store.open(t, "row"+strconv.FormatInt(rowNumber.Add(1), 10))
	f.machine(t, cache.env).run("cache", "copy", "type=local,src="+f.snapshot, cache.direct).wantCode(t, 0)
	rule := r.kind.rule
	rule.Method, rule.Path, rule.Skip = r.at.method, f.path(r.at.path), r.at.skip
	cache.proxy.Reset()
	cache.proxy.Set(rule)
	args := []string{"--import-cache", cache.proxied}
	if r.side == writes {
		args = []string{"--import-cache", "type=local,src=" + f.snapshot, "--export-cache", cache.proxied}
	}
	if r.required {
		args = append(args, "--cache-required")
	}
	m := f.machine(t, cache.env)
	out := m.runWithin(faultBound, f.args(t, r.at.large, args...)...)
	hit := len(cache.proxy.Hit())
	cache.proxy.Set()
	if hit == 0 {
		t.Errorf("no request met the fault, of %v", cache.proxy.Requests("", ""))
	}
	if r.required {
		r.wantRequired(t, out)
	} else {
		out.wantCode(t, 0)
		var result platform.Result
		if err := json.Unmarshal([]byte(out.stdout), &result); err != nil {
			t.Fatalf("%v in %s", err, out.stdout)
		}
		if r.side == reads {
			r.wantImport(t, &result, out)
		} else {
			r.wantExport(t, f, &result, out, cache)
		}
	}
	f.wantWhole(t, cache)
	if hit > faultRequests {
		t.Errorf("%d requests met the fault", hit)
	}
	m.wantNothingLeft()
}

// wantImport fails unless all layers are restored, or not all and that is said.
func (r faultyRow) wantImport(t *testing.T, result *platform.Result, out outcome) {
	t.Helper()
	missed := 0
	for _, layer := range result.Layers {
		if layer.Restore != "restored" {
			missed++
		}
	}
	warned := strings.Contains(out.stderr, "Warning: cache")
	switch r.ends() {
	case repeated:
		if len(result.Layers) == 0 || missed > 0 || warned {
			t.Errorf("%d of %d layers are missed:\n%s", missed, len(result.Layers), out.stderr)
		}
	case lost:
		if !warned || missed == 0 && len(result.Layers) > 0 {
			t.Errorf("%d of %d layers are missed, warned %v:\n%s", missed, len(result.Layers), warned, out.stderr)
		}
		out.wantReason(t, r.kind.says)
	case open:
		if lost := missed > 0 || len(result.Layers) == 0; lost != warned {
			t.Errorf("%d of %d layers are missed, warned %v:\n%s", missed, len(result.Layers), warned, out.stderr)
		}
	}
}

// wantExport fails unless the snapshot is saved, or not and that is said.
func (r faultyRow) wantExport(t *testing.T, f *faulty, result *platform.Result, out outcome, cache faultyCache) {
	t.Helper()
	saved := result.Saved[0]
	warned := strings.Contains(out.stderr, "was not saved: ")
	ends := r.ends()
	switch {
	case ends == repeated && (saved.Failed != "" || warned):
		t.Errorf("not saved: %s\n%s", saved.Failed, out.stderr)
	case ends == lost && (saved.Failed == "" || !warned):
		t.Errorf("saved as %s, warned %v:\n%s", saved.Digest, warned, out.stderr)
	case (saved.Failed != "") != warned:
		t.Errorf("failed %q, warned %v:\n%s", saved.Failed, warned, out.stderr)
	}
	if saved.Failed == "" {
		if digest := f.kept(t, cache); digest != saved.Digest {
			t.Errorf("saved as %s, and what is there is %s", saved.Digest, digest)
		}
	} else if ends == lost {
		out.wantReason(t, r.kind.says)
		if digest := f.kept(t, cache); digest != f.digest {
			t.Errorf("not saved, and what is there is %s instead of %s", digest, f.digest)
		}
	}
}

// wantRequired fails unless the build failed because of the cache.
func (r faultyRow) wantRequired(t *testing.T, out outcome) {
	t.Helper()
	code := 3
	if r.side == reads {
		code = 1
		if r.kind.rule.Status == 401 || r.kind.rule.Status == 403 {
			code = 4
		}
	}
	out.wantCode(t, code)
	out.wantStderr(t, "ERROR: ", "HINT: ")
	out.wantReason(t, r.kind.says)
}

// kept returns the digest of what a cache has.
func (f *faulty) kept(t *testing.T, cache faultyCache) string {
	t.Helper()
	out := f.machine(t, cache.env).run("cache", "inspect", cache.direct, "--output", "json")
	out.wantCode(t, 0)
	var found struct{ Digest string }
	decode(t, out.stdout, &found)
	return found.Digest
}

// wantWhole fails unless a cache is whole, whatever it is.
func (f *faulty) wantWhole(t *testing.T, cache faultyCache) {
	t.Helper()
	out := f.machine(t, cache.env).run("cache", "verify", cache.direct)
	if out.code != 0 {
		t.Errorf("the cache is damaged: %s%s", out.stdout, out.stderr)
	}
}

// wantReason fails unless the log has a reason.
func (o outcome) wantReason(t *testing.T, reason string) {
	t.Helper()
	if !regexp.MustCompile(reason).MatchString(o.stderr) {
		t.Errorf("the log does not say %q:\n%s", reason, o.stderr)
	}
}

// runWithin is run for what has to end in time.
func (m *machine) runWithin(long time.Duration, args ...string) outcome {
	m.t.Helper()
	began := time.Now()
	running := m.start(args...)
	select {
	case <-running.ended:
	case <-time.After(long):
		_ = running.cmd.Process.Kill()
		<-running.ended
		m.t.Fatalf("still running after %s:\n%s", long, running.stderr.String())
	}
	m.t.Logf("took %.1f s", time.Since(began).Seconds())
	return running.wait()
}

// TestFaults is the table: kinds of requests, faults, stores, import and export.
// Without PACK_CACHE_FAULTS=all (make faults) it is a choice of rows: each fault
// with every second store, each with one kind of request, and another one in
// each store.
func TestFaults(t *testing.T) {
	t.Parallel()
	f := newFaulty(t)
	all := os.Getenv("PACK_CACHE_FAULTS") == "all"
	var rows []faultyRow
	for number, store := range faultyStores(t) {
		for side, kinds := range map[reach][]requests{reads: store.reads, writes: store.writes} {
			for i, kind := range faultsOf(side) {
				for j, at := range kinds {
					if at.unchecked && kind.rule.Request.Flip > 0 {
						continue
					}
					if all || i%2 == number%2 && (i/2+number)%len(kinds) == j {
						rows = append(rows, faultyRow{store: store, side: side, at: at, kind: kind})
					}
					if kind.name == "503" && !at.harmless && (all || j == len(kinds)-1) {
						rows = append(rows, faultyRow{store: store, side: side, at: at, kind: kind, required: true})
					}
				}
			}
		}
	}
	runRows(t, rows, func(r faultyRow) bool { return r.kind.waits() }, func(t *testing.T, r faultyRow) { r.run(t, f) })
}

// named is a row of a table.
type namedRow interface{ name() string }

// runRows runs rows side by side: two that work, and more that wait.
func runRows[R namedRow](t *testing.T, rows []R, waits func(R) bool, run func(*testing.T, R)) {
	quick, waiting := make(chan R), make(chan R)
	var workers sync.WaitGroup
	for i := range 8 {
		from := waiting
		if i < 2 {
			from = quick
		}
		workers.Go(func() {
			for row := range from {
				t.Run(row.name(), func(t *testing.T) { run(t, row) })
			}
		})
	}
	var feeders sync.WaitGroup
	for _, to := range []chan R{quick, waiting} {
		feeders.Go(func() {
			defer close(to)
			for _, row := range rows {
				if waits(row) == (to == waiting) {
					to <- row
				}
			}
		})
	}
	feeders.Wait()
	workers.Wait()
}
