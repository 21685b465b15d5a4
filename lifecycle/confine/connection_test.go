package confine_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// TestConnectionOfOneWriter has a process write to standard output and standard
// error in turn, which go to one writer: everything arrives, in its order.
func TestConnectionOfOneWriter(t *testing.T) {
	t.Parallel()
	const script = `i=0; while [ $i -lt 500 ]; do echo out $i; echo err $i >&2; i=$((i + 1)); done`
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script)
	var got bytes.Buffer
	c, err := confine.Connect(cmd, nil, &got, &got, false)
	if err != nil {
		t.Fatal(err)
	}
	err = cmd.Start()
	c.Started()
	if err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait()
	c.Wait()
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for i := range 500 {
		fmt.Fprintf(&want, "out %d\nerr %d\n", i, i)
	}
	if got.String() != want.String() {
		t.Errorf("%d bytes arrived of %d, or in another order", got.Len(), want.Len())
	}
}
