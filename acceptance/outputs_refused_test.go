package acceptance

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestOutputsRefused names places that cannot be written to with each flag that
// takes one. That is said before anything is built.
func TestOutputsRefused(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	for _, test := range []struct {
		name, flag string
		// at is below HOME.
		at, says string
	}{
		{"report into a file", "--report-output-dir", "file", "/file is not a directory"},
		{"report below a file", "--report-output-dir", "file/new", "/file is not a directory"},
		{"report over a directory", "--report-output-dir", "taken", "/taken/report.toml is a directory"},
		{"report that may not be written", "--report-output-dir", "closed/new", "/closed: permission denied"},
		{"SBOM into a file", "--sbom-output-dir", "file", "/file is not a directory"},
		{"SBOM that may not be written", "--sbom-output-dir", "closed", "/closed: permission denied"},
		{"SBOM over a file", "--sbom-output-dir", "taken", "/taken/sbom is not a directory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t).ordinary()
			m.write("file", "content", 0o600)
			m.write("taken/sbom", "content", 0o600)
			m.write("taken/report.toml/x", "content", 0o600)
			m.write("closed/x", "content", 0o600)
			closed := filepath.Join(m.home, "closed")
			if err := os.Chmod(closed, 0o555); err != nil {
				t.Fatal(err)
			}
			out := m.run("build", reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish", test.flag, filepath.Join(m.home, test.at))
			out.wantCode(t, 2)
			out.wantStderr(t, "ERROR: "+test.flag+": ", test.says, "HINT: name a directory that you may write to, or one that is not there yet")
			out.wantNoStderr(t, "ANALYZING")
		})
	}
	for _, test := range []struct{ name, image, output, says string }{
		{"layout in a file", "oci:file", "", "/file: not a directory"},
		{"layout that may not be written", "oci:closed", "", "/closed: permission denied"},
		{"layout below what may not be written", "oci:closed/a/b", "", "/closed: permission denied"},
		{"file that may not be written", "app", "type=oci,dest=closed/app.tar", "/closed/app.tar: permission denied"},
		{"file in place of a directory", "app", "type=docker,dest=closed", "/closed is a directory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t).ordinary()
			m.write("file", "content", 0o600)
			closed := filepath.Join(m.home, "closed")
			if err := os.Mkdir(closed, 0o555); err != nil {
				t.Fatal(err)
			}
			args := []string{"build", test.image, "--builder", builder, "--path", app.dir}
			if test.output != "" {
				args = append(args, "--output", test.output)
			}
			out := m.run(args...)
			out.wantCode(t, 2)
			out.wantStderr(t, test.says, "HINT: name a ")
			out.wantNoStderr(t, "ANALYZING")
		})
	}
}
