package confine

import (
	"bytes"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestConnectOneWriter holds that nothing is lost of what a process writes to both
// of its outputs if one writer, which is not for several goroutines, takes both.
func TestConnectOneWriter(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("sh", "-c", "echo one; echo two >&2; echo three")
	var text bytes.Buffer
	connection, err := Connect(cmd, nil, &text, &text, false)
	if err != nil {
		t.Fatal(err)
	}
	if cmd.Stdout != cmd.Stderr {
		t.Error("two streams are copied to one writer")
	}
	err = cmd.Start()
	connection.Started()
	if err != nil {
		t.Fatal(err)
	}
	connection.Wait()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if got := strings.Fields(text.String()); !slices.Equal(got, []string{"one", "two", "three"}) {
		t.Errorf("got %q", got)
	}
}
