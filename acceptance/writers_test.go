package acceptance

import (
	"strings"
	"sync"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/internal/test/testservers"
)

// TestWriters saves from eight builds at once to one cache, twice. Every save
// lands, or is merged into one that does, and the cache is whole.
func TestWriters(t *testing.T) {
	t.Parallel()
	f := newFaulty(t)
	for name, open := range map[string]func(*testing.T, string) faultyCache{
		"registry": inRegistry(newRegistry(t, testregistry.Options{}).Addr),
		"s3":       inS3(testservers.NewMinIO(t)),
	} {
		t.Run(name, func(t *testing.T) {
			cache := open(t, "writers")
			for range 2 {
				var builds sync.WaitGroup
				for range 8 {
					args := f.args(t, false, "--import-cache", cache.direct, "--export-cache", cache.direct, "--cache-required")
					m := f.machine(t, cache.env)
					builds.Go(func() {
						out := m.run(args...)
						if out.code != 0 || !strings.Contains(out.stderr, "saved as sha256:") {
							t.Errorf("exit code %d:\n%s", out.code, out.stderr)
						}
					})
				}
				builds.Wait()
			}
			f.wantWhole(t, cache)
			args := f.args(t, false, "--import-cache", cache.direct)
			out := f.machine(t, cache.env).run(args...)
			out.wantCode(t, 0)
			out.wantStderr(t, "flags: only-cache: restored")
		})
	}
}
