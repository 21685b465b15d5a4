package confine

import (
	"io"
	"os"
	"os/exec"
)

// PipeTo hides that w may be a file, for which exec.Cmd would not make a pipe.
func PipeTo(w io.Writer) io.Writer {
	if w == nil {
		return nil
	}
	return struct{ io.Writer }{w}
}

// Feed connects cmd's standard input to r by a pipe that cmd.Wait does not wait
// for. The returned function is called when cmd has been started, or has not.
func Feed(cmd *exec.Cmd, r io.Reader) (started func(), err error) {
	if r == nil {
		return func() {}, nil
	}
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdin = out
	return func() {
		out.Close()
		go func() {
			defer in.Close()
			// An error is one of writing to a process that does not read to
			// the end, or of r, which its owner knows.
			_, _ = io.Copy(in, r)
		}()
	}, nil
}
