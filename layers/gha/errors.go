package gha

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers"
)

// failure is what went wrong with the service. It never holds a URL, which can
// be as good as a password, nor a token.
type failure struct {
	op     string // "read", "write"
	what   string // of the cache: a key, or a name
	status int    // of the answer; 0 if there was none
	said   string // the service's words
	cause  error
	hint   string
	// reason says why it cannot be, in place of cause.
	reason string
	// gaveUp says that it came up in each of several attempts.
	gaveUp bool
}

// Error implements error.
func (f *failure) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "cannot %s %s in the GitHub Actions cache", f.op, f.what)
	if f.cause != nil && f.reason == "" {
		b.WriteString(": " + f.cause.Error())
	}
	if f.status != 0 && !errors.Is(f.cause, layers.ErrNotFound) {
		fmt.Fprintf(&b, ": %d %s", f.status, http.StatusText(f.status))
	}
	for _, text := range []string{f.reason, f.said} {
		if text != "" {
			b.WriteString(": " + text)
		}
	}
	return b.String()
}

// Unwrap returns what went wrong.
func (f *failure) Unwrap() error { return f.cause }

// Is makes errors.Is(err, layers.ErrGaveUp) work.
func (f *failure) Is(target error) bool { return f.gaveUp && target == layers.ErrGaveUp }

// Hint says what the user can do about it, "" if nothing is known.
func (f *failure) Hint() string { return f.hint }

// Missing says why nothing can be there (layers.ErrNotFound), "" if nothing is
// known.
func (f *failure) Missing() string { return f.reason }

// errTaken says that there is an entry with a key, or somebody is writing one.
var errTaken = errors.New("the service refuses the key, perhaps because another job is writing there")

// How the service begins to say that a run may not do something.
const (
	readDenied  = "cache read denied:"
	writeDenied = "cache write denied:"
)

// classify sets cause and hint from what the service answered.
func (f *failure) classify() *failure {
	denied := strings.Contains(f.said, readDenied) || strings.Contains(f.said, writeDenied)
	switch {
	case denied:
		f.cause = layers.ErrDenied
		f.hint = "runs of forks, and of events that the repository does not trust, may not use all of the cache: see the workflow's permissions and the settings of the repository"
	case f.status == http.StatusUnauthorized || f.status == http.StatusForbidden:
		f.cause = layers.ErrDenied
		f.hint = "the token of a workflow run is valid while the job runs: export the ACTIONS_ variables in the job that uses them"
	case f.status == http.StatusNotFound:
		f.cause = layers.ErrNotFound
	case f.status == http.StatusConflict:
		f.cause = errTaken
	case f.status == http.StatusTooManyRequests:
		f.hint = "a repository may make 200 entries and read 1500 a minute: try again later"
	}
	return f
}

// answered returns the failure that an unexpected answer stands for, and closes
// the answer.
func (c *client) answered(resp *http.Response, k call) error {
	defer resp.Body.Close()
	f := &failure{op: k.op, what: k.what, status: resp.StatusCode, said: c.redact(words(resp.Body)), gaveUp: web.Temporary(resp.StatusCode)}
	if reason := web.Reason(resp); reason != "" {
		f.said = strings.TrimPrefix(f.said+"; "+reason, "; ")
	}
	return f.classify()
}

// redact takes the secrets that the client knows out of somebody's words.
func (c *client) redact(text string) string {
	if c.token != "" {
		text = strings.ReplaceAll(text, c.token, "[redacted]")
	}
	return text
}

// words returns the message of an error body, cut short: "msg" in twirp,
// "message" in version 1 and GitHub's REST API. Anything else, such as a proxy's
// page, is not repeated.
func words(body io.Reader) string {
	raw, err := io.ReadAll(io.LimitReader(body, 64<<10))
	if err != nil {
		return ""
	}
	var said struct{ Msg, Message string }
	if json.Unmarshal(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")), &said) != nil {
		return ""
	}
	return printable(said.Msg + said.Message)
}

func printable(text string) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text))
	return string(runes[:min(len(runes), 300)])
}

// bare takes the URLs out of an error of net/http.
func bare(err error) error {
	for {
		u, ok := errors.AsType[*url.Error](err)
		if !ok {
			return err
		}
		err = u.Err
	}
}
