package platform

import (
	"io"
	"strings"
	"testing"
)

// TestStartWatch finds in a log, however it is cut, why a program could not be
// started.
func TestStartWatch(t *testing.T) {
	t.Parallel()
	const detect = "/cnb/buildpacks/acme_x/1/bin/detect"
	for text, want := range map[string]string{
		"fork/exec " + detect + ": no such file or directory\n":                       detect + " is not there, or its first line names a program that the builder does not have, or it has Windows line ends (CRLF)",
		"ERROR: failed to build: fork/exec " + detect + ": no such file or directory": detect + " is not there",
		"\x1b[31mfork/exec " + detect + ": permission denied\x1b[0m\n":                detect + " may not be executed",
		"fork/exec " + detect + ": exec format error\n":                               detect + " is neither a program for the builder's processor nor a script",
		"env: can't execute 'bash\r': No such file or directory\n":                    "a script of a buildpack has Windows line ends (CRLF)",
		"env: ‘bash\\r’: No such file or directory\n":                                 "a script of a buildpack has Windows line ends (CRLF)",
		"bin/x: line 2: $'\\r': command not found\n":                                  "a script of a buildpack has Windows line ends (CRLF)",
		"/bin/sh^M: bad interpreter: No such file or directory\n":                     "a script of a buildpack has Windows line ends (CRLF)",
		"first\nfork/exec " + detect + ": exec format error\nenv: 'x\r': not found\n": detect + " is neither",
		"10 %\r20 %\rdone\nfork/exec /bin/true: no such file or directory\n":          "",
		"bash: mvn: command not found\n":                                              "",
		strings.Repeat("x", 3*longestLine) + "\n":                                     "",
	} {
		for _, size := range []int{1, 7, len(text)} {
			watch := &startWatch{WriteCloser: nopCloser{io.Discard}}
			for rest := text; rest != ""; {
				n := min(size, len(rest))
				_, _ = watch.Write([]byte(rest[:n]))
				rest = rest[n:]
			}
			watch.look()
			if !strings.HasPrefix(watch.way, want) || (want == "") != (watch.way == "") {
				t.Errorf("%.60q in pieces of %d: %q", text, size, watch.way)
			}
		}
	}
}
