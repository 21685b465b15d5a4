package acceptance

import (
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/pack-cache/pack-cache/lifecycle/enginetest"
)

// canaries puts secrets where a careless program could pass them on, and returns
// them: the environment, an open file, files of the user's and of everybody's,
// and another program of the user's, in all that a program can have.
func (m *machine) canaries() secrets {
	m.t.Helper()
	var all secrets
	canary := func() string {
		all = append(all, rand.Text())
		return all[len(all)-1]
	}
	m.env = append(m.env, "CI_JOB_TOKEN="+canary(), "HTTP_PASSWORD="+canary())
	m.write(".netrc", "default login me password "+canary()+"\n", 0o644)
	m.write(".m2/settings.xml", "<password>"+canary()+"</password>\n", 0o644)
	m.write("tmp/script", canary(), 0o644)

	m.write("open", canary(), 0o600)
	open, err := os.Open(filepath.Join(m.home, "open"))
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { open.Close() })
	m.inherited = append(m.inherited, open)

	public := filepath.Join(openDir(m.t), "public")
	if err := os.WriteFile(public, []byte(canary()), 0o644); err != nil {
		m.t.Fatal(err)
	}

	dir := openDir(m.t)
	m.own(dir)
	other := exec.CommandContext(m.t.Context(), enginetest.Program(m.t), "victim", dir)
	other.Env = []string{"SECRET=" + canary()}
	other.SysProcAttr = m.credential()
	stdin, err := other.StdinPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() {
		stdin.Close()
		_ = other.Wait()
	})
	return all
}
