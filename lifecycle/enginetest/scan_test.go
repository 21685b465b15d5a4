package enginetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/lifecycle/enginetest/report"
)

// TestAttack makes sure that the attack finds a secret wherever nothing hinders
// it: otherwise finding none would prove nothing.
func TestAttack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	startVictim(t, dir, Program(t), false)
	if err := os.Symlink(secret, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	unlinked, err := os.Create(filepath.Join(dir, "unlinked"))
	if err != nil {
		t.Fatal(err)
	}
	defer unlinked.Close()
	if _, err := unlinked.WriteString("x" + secret); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(unlinked.Name()); err != nil {
		t.Fatal(err)
	}
	orders := Orders("another one", secret)
	orders.Places = []string{dir}
	attack := exec.Command(Program(t), "attack", "detect", orders.String())
	attack.Env = []string{"TEXT=" + secret}
	attack.Dir = dir
	attack.ExtraFiles = []*os.File{unlinked}
	attack.SysProcAttr = ownSession()
	attack.Stderr = os.Stderr
	out, err := attack.Output()
	if err != nil {
		t.Fatal(err)
	}
	got := decode[report.Attack](t, string(out))
	CheckAttack(t, got, func(report.Finding) bool { return true })
	ways := map[string]bool{}
	for _, found := range got.Findings {
		way, _, _ := strings.Cut(found.Where, ":")
		ways[way] = true
	}
	// By these nothing is to be found here: nobody else has done anything meanwhile, or
	// there is nothing of others. The attack's own control has to be.
	byControl := []string{"keyrings", "kernel", "plants", "metadata services", "processes of before", "names of files"}
	// These a machine may have closed for everybody, as containers do.
	machines := []string{"named message queues", "opened files", "performance events", "queues of system calls", "page faults"}
	for _, way := range Ways {
		if !slices.Contains(byControl, way) && !slices.Contains(machines, way) && !ways[way] {
			t.Errorf("the attack found nothing by way of %s: %v in %d findings", way, ways, len(got.Findings))
		}
	}
	for way, tried := range got.Tried {
		if tried.Control != report.Found && !slices.Contains(machines, way) {
			t.Errorf("%s: %s", way, tried.Control)
		}
	}
}
