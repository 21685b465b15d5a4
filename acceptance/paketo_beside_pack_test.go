package acceptance

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestPaketoBesidePack builds with buildpacks of Paketo with pack itself and with
// pack-cache, both with the same builder, cold and warm, each then with the cache
// of the other. What buildpacks say, the images and the SBOMs are equal.
func TestPaketoBesidePack(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.paketoMade(t)
	a := paketoApp(t)
	ranAgainstPaketo(t, "the same image, SBOMs and output of buildpacks as with pack; caches are exchanged")
	on := daemonGrounds(t)[0]
	theirs := func(name string) (string, string) {
		pack := packer{t.TempDir(), on.daemon.Host}
		args := append([]string{"build"}, paketoArgs(reg, name, a)...)
		said := pack.run(t, append(args, "--builder", builder, "--trust-builder", "--network", "host", "--no-color", "--sbom-output-dir", "sboms")...)
		return said, filepath.Join(pack.home, "sboms")
	}
	ours := func(name string) (string, string) {
		machine := on.machine(t)
		_, out := machine.build(append(paketoArgs(reg, name, a), "--builder", builder, "--trust-builder", "--sbom-output-dir", "sboms")...)
		return out.stderr, filepath.Join(machine.home, "sboms")
	}
	compare := func(step, theirName, ourName string) {
		t.Helper()
		said, theirSBOMs := theirs(theirName)
		log, ourSBOMs := ours(ourName)
		if diff := cmp.Diff(saidBuilding(said), saidBuilding(log)); diff != "" {
			t.Errorf("what buildpacks say, %s (-pack +ours):\n%s", step, diff)
		}
		if diff := cmp.Diff(filesBelow(t, theirSBOMs), filesBelow(t, ourSBOMs)); diff != "" {
			t.Errorf("SBOMs, %s (-pack +ours):\n%s", step, diff)
		}
		reg.wantSameAsPack(t, reg.ref("app-"+theirName), reg.ref("app-"+ourName))
	}
	compare("cold", "theirs", "ours")
	compare("warm", "theirs", "ours")
	compare("each with what the other has left", "ours", "theirs")
	a.write("Main.java", "class Main { int changed; }\n")
	compare("changed", "theirs", "ours")
}

// saidBuilding returns what buildpacks say while they build, of a log of pack or
// ours. pack marks the lines of a trusted builder by nothing, ours are marked.
func saidBuilding(log string) []string {
	_, log, _ = strings.Cut(log, "===> BUILDING\n")
	log, _, _ = strings.Cut(log, "===> EXPORTING\n")
	var all []string
	for line := range strings.Lines(log) {
		all = append(all, strings.TrimSpace(strings.TrimPrefix(line, "[build]")))
	}
	return all
}
