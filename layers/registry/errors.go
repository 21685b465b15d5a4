package registry

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

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/internal/quirks"
	"github.com/pack-cache/pack-cache/internal/reach"
	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers"
)

// failure is what went wrong between us and a registry. It never holds a
// credential or the query of a URL, which can be one.
type failure struct {
	op      string // "push to"
	subject string // "registry.example.com/team/cache"
	status  int    // of the answer; 0 if there was none
	said    string // the registry's words
	cause   error
	hint    string
	// gaveUp says that it came up in each of several attempts.
	gaveUp bool
	// revision is the manifest that a name stands for and that is lost, as far as
	// the registry says so.
	revision string
}

func (f *failure) Error() string {
	var b strings.Builder
	b.WriteString("cannot " + f.op + " " + f.subject)
	if f.cause != nil {
		b.WriteString(": " + f.cause.Error())
	}
	if f.status != 0 && !errors.Is(f.cause, layers.ErrNotFound) {
		fmt.Fprintf(&b, ": %d %s", f.status, http.StatusText(f.status))
	}
	if f.said != "" {
		b.WriteString(": " + f.said)
	}
	return b.String()
}

func (f *failure) Unwrap() error { return f.cause }

// Is makes errors.Is(err, layers.ErrGaveUp) work.
func (f *failure) Is(target error) bool { return f.gaveUp && target == layers.ErrGaveUp }

// Hint says what the user can do about it; empty if nothing is known.
func (f *failure) Hint() string { return f.hint }

// classify sets cause and hint from the status. scopes are those that the
// request needed.
func (f *failure) classify(anonymous bool, scopes []string) *failure {
	host, _, _ := strings.Cut(f.subject, "/")
	scope := ""
	if len(scopes) > 0 {
		scope = scopes[len(scopes)-1]
	}
	switch f.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		f.cause = layers.ErrDenied
		f.hint = reach.Login(host, !anonymous, scope)
	case http.StatusNotFound:
		f.cause = layers.ErrNotFound
		if strings.HasPrefix(f.op, "push") {
			f.hint = "some registries want a repository to be created before the first push"
		}
	default:
		f.hint = reach.Registry(host).Answered(f.status)
	}
	return f
}

// answered returns the failure that an unexpected answer stands for, and closes
// the answer.
func (c *client) answered(resp *http.Response, op, subject string) error {
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10)) // what there is of it
	f := &failure{op: op, subject: subject, status: resp.StatusCode, said: c.auth.redact(words(bytes.NewReader(body))),
		gaveUp: web.Temporary(resp.StatusCode), revision: lostRevision(body)}
	if reason := web.Reason(resp); reason != "" {
		f.said = strings.TrimPrefix(f.said+"; "+reason, "; ")
	}
	return f.classify(c.auth.anonymous(), scopesOf(resp.Request))
}

// words returns the codes and messages of an error body as the distribution
// specification defines it ("Error codes"), cut short. Anything else, such as a
// proxy's page, is not repeated.
func words(body io.Reader) string {
	var said struct {
		Errors []struct{ Code, Message string }
	}
	if json.NewDecoder(io.LimitReader(body, 64<<10)).Decode(&said) != nil {
		return ""
	}
	var all []string
	for _, e := range said.Errors {
		all = append(all, strings.Trim(e.Code+": "+e.Message, ": "))
	}
	text := []rune(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.Join(all, "; ")))
	return string(text[:min(len(text), 300)])
}

// unreachable returns the failure of a request that got no answer.
func unreachable(op, subject, host string, err error) error {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	if odd, ok := errors.AsType[*quirks.AnswerError](err); ok {
		return &failure{op: op, subject: subject, cause: odd, hint: odd.Hint()}
	}
	return &failure{op: op, subject: subject, cause: fmt.Errorf("no answer from %s: %w", host, bare(err)), hint: reach.Registry(host).Silent(err)}
}

// bare takes the URLs out of an error of net/http: the query of a redirect or
// an upload can be as good as a password.
func bare(err error) error {
	for {
		u, ok := errors.AsType[*url.Error](err)
		if !ok {
			return err
		}
		err = u.Err
	}
}

// credentialError reports a keychain that failed.
func credentialError(repo name.Repository, err error) error {
	return &failure{op: "find a credential for", subject: repo.Name(), cause: err,
		hint: "check the Docker config file and the credential helper it names"}
}

// missing is the failure of a blob that is not there, nil if it is.
func missing(subject string, ok bool) error {
	if ok {
		return nil
	}
	return (&failure{op: "pull", subject: subject, status: http.StatusNotFound}).classify(false, nil)
}
