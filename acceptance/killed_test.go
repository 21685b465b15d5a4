package acceptance

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// killings is how many builds are killed where PACK_CACHE_SOAK does not say for
// how long.
const killings = 8

// TestKilledAtRandom kills builds at random moments: the main process, or one of
// the others. The cache is then the old one or the new one, and the next build on
// the same machine works and leaves nothing behind. With PACK_CACHE_SOAK (make
// soak) it goes on for that long.
func TestKilledAtRandom(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	directory := openDir(t) + "/cache"
	caches := [][]string{
		{reg.ref("cache"), "--cache-image", reg.ref("cache")},
		{"type=local,src=" + directory, "--import-cache", "type=local,src=" + directory, "--export-cache", "type=local,dest=" + directory},
	}
	app := newApp(t, map[string]string{"churn": "deps launch,cache random 3 99999"}, nil)
	args := func(flags []string) []string {
		return append([]string{"build", reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish"}, flags...)
	}
	// How long a build takes, and the caches to begin with.
	began := time.Now()
	for _, cache := range caches {
		newMachine(t).run(args(cache[1:])...).wantCode(t, 0)
	}
	whole := time.Since(began) / 2
	end := time.Time{}
	if soak := os.Getenv("PACK_CACHE_SOAK"); soak != "" {
		long, err := time.ParseDuration(soak)
		if err != nil {
			t.Fatal(err)
		}
		end = time.Now().Add(long)
	}
	for i := 0; i < killings || time.Now().Before(end); i++ {
		cache, main, after := caches[i%2], i%4 < 2, rand.N(whole)
		t.Logf("%d: main process %v, after %s, %s", i, main, after, cache[0])
		m := newMachine(t)
		build := m.start(args(cache[1:])...)
		killed := ""
		select {
		case <-build.ended:
		case <-time.After(after):
			killed = build.kill(m, main)
		}
		select {
		case <-build.ended:
		case <-time.After(faultBound):
			t.Fatalf("the build does not end after %s was killed:\n%s", killed, build.stderr.String())
		}
		m.awaitNoProcesses()
		// An own phase that dies costs the cache; the builder's cost the build.
		if out := build.wait(); killed != mainProcess && out.code != 0 && !strings.Contains(out.stderr, "ERROR: ") {
			t.Errorf("%s was killed, and the build says nothing, code %d:\n%s", killed, out.code, out.stderr)
		}
		if out := m.run("cache", "verify", cache[0]); out.code != 0 {
			t.Errorf("after %s was killed, the cache is damaged: %s%s", killed, out.stdout, out.stderr)
		}
		out := m.run(args(cache[1:])...)
		out.wantCode(t, 0)
		out.wantStderr(t, "flags: only-cache: restored")
		m.wantNothingLeft()
	}
}

const mainProcess = "the main process"

// kill kills the command, or another process of the machine if there is one, and
// says which.
func (r *running) kill(m *machine, main bool) string {
	pid, what := r.cmd.Process.Pid, mainProcess
	if !main {
		others := m.processes()
		rand.Shuffle(len(others), func(i, j int) { others[i], others[j] = others[j], others[i] })
		for _, other := range others {
			id, _, _ := strings.Cut(other, ":")
			if n, err := strconv.Atoi(id); err == nil && n != r.cmd.Process.Pid {
				pid, what = n, other
				break
			}
		}
	}
	_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
	return what
}
