package acceptance

import (
	"archive/tar"
	"fmt"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestForeignModes builds with a cache and a previous image in which everything has a
// mode by which nobody can go on: directories that cannot be entered, listed or
// written to, files that cannot be read.
func TestForeignModes(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, map[string]string{"churn": "rewritten cache one\nfresh cache change\n"}, map[string]string{"src/a": "a"})
	args := func(repository string) []string {
		return []string{reg.ref(repository), "--builder", builder, "--path", app.dir, "--cache-image", reg.ref(repository + "-cache"), "--publish"}
	}
	newMachine(t).build(args("app")...)
	for _, mode := range []int64{0, 0o644, 0o222, 0o111, 0o4000} {
		t.Run(fmt.Sprintf("%04o", mode), func(t *testing.T) {
			t.Parallel()
			repository := fmt.Sprintf("app-%04o", mode)
			change := func(_ string, archive []byte) []byte {
				return eachEntry(t, archive, func(h *tar.Header) {
					if strings.Contains(h.Name, "/layers") {
						h.Mode = mode
					}
				})
			}
			for from, to := range map[string]string{"app": repository, "app-cache": repository + "-cache"} {
				reg.pushImage(t, reg.ref(to), remade(t, reg.image(t, reg.ref(from)), change))
			}
			result, _ := newMachine(t).build(args(repository)...)
			again, _ := newMachine(t).build(args(repository)...)
			if again.Digest != result.Digest {
				t.Errorf("the next build makes %s of %s", again.Digest, result.Digest)
			}
			if got := fates(result)["samples/churn:rewritten"].Restore; got != "restored" {
				t.Errorf("samples/churn:rewritten: %s", got)
			}
		})
	}
}
