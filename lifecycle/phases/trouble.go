package phases

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/buildpacks/imgutil"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pack-cache/pack-cache/internal/quirks"
	"github.com/pack-cache/pack-cache/internal/reach"
	"github.com/pack-cache/pack-cache/trust"
)

// Trouble is what a registry had to do with the failure of a phase.
type Trouble struct {
	// Host is the registry, with its port.
	Host string `json:"host"`
	// Access is what was asked for, nil if unknown.
	Access *trust.Access `json:"access,omitempty"`
	// Status is that of the registry's answer; 0 if there was none.
	Status int `json:"status,omitempty"`
	// Said are the registry's own words, or why there are none.
	Said string `json:"said,omitempty"`
	// Advice is what to do about a registry that cannot be reached.
	Advice string `json:"advice,omitempty"`
}

// Denied reports whether the registry refused the credentials.
func (t *Trouble) Denied() bool {
	return t.Status == http.StatusUnauthorized || t.Status == http.StatusForbidden
}

// Unreachable reports whether the registry could not be asked.
func (t *Trouble) Unreachable() bool { return t.Status == 0 }

// troubleWith finds out what a registry had to do with err, nil for nothing.
func troubleWith(err error) *Trouble {
	if save, ok := errors.AsType[imgutil.SaveError](err); ok {
		for _, one := range save.Errors {
			if found := troubleWith(one.Cause); found != nil {
				return found
			}
		}
	}
	if odd, ok := errors.AsType[*quirks.AnswerError](err); ok {
		return &Trouble{Host: odd.Host, Status: odd.Status, Said: odd.Error(), Advice: odd.Hint()}
	}
	if unanswered, ok := errors.AsType[*url.Error](err); ok && reach.Cause(err) != nil {
		return unreachable(unanswered.URL, reach.Cause(err))
	}
	if answer, ok := errors.AsType[*transport.Error](err); ok && answer.Request != nil {
		trouble := &Trouble{
			Host:   answer.Request.URL.Host,
			Access: accessOf(answer.Request),
			Status: answer.StatusCode,
			Said:   wordsOf(answer),
		}
		if about, ok := errors.AsType[*imageError](err); ok && trouble.Access == nil {
			// A token server, which nobody can log in to.
			trouble.Host, trouble.Access = about.host, &about.access
		}
		return trouble
	}
	if unanswered, ok := errors.AsType[*url.Error](err); ok {
		return unreachable(unanswered.URL, unanswered.Err)
	}
	return nil
}

// imageError says which image an error is about.
type imageError struct {
	error
	host   string
	access trust.Access
}

func (e *imageError) Unwrap() error { return e.error }

// about says which image an error is about.
func about(reference string, access func(name.Repository) trust.Access, err error) error {
	ref, parseErr := name.ParseReference(reference, name.WeakValidation)
	if err == nil || parseErr != nil {
		return err
	}
	return &imageError{err, ref.Context().RegistryStr(), access(ref.Context())}
}

// unreachable is the trouble with whoever did not answer at an address.
func unreachable(address string, cause error) *Trouble {
	at, err := url.Parse(address)
	if err != nil {
		return nil
	}
	return &Trouble{Host: at.Host, Said: cause.Error(), Advice: reach.Registry(at.Host).Silent(cause)}
}

// accessOf reads off a request what repository it is about and whether it
// writes to it (OCI distribution specification, "Endpoints").
func accessOf(request *http.Request) *trust.Access {
	path, found := strings.CutPrefix(request.URL.Path, "/v2/")
	for _, part := range []string{"/manifests/", "/blobs/"} {
		if at := strings.LastIndex(path, part); found && at > 0 {
			return &trust.Access{
				Repository: request.URL.Host + "/" + path[:at],
				Push:       request.Method != http.MethodGet && request.Method != http.MethodHead,
			}
		}
	}
	return nil
}

// wordsOf is the answer's status, codes and messages, without the details that
// only its authors understand.
func wordsOf(answer *transport.Error) string {
	words := fmt.Sprintf("%d %s", answer.StatusCode, http.StatusText(answer.StatusCode))
	for _, one := range answer.Errors {
		words += fmt.Sprintf(", %s: %s", one.Code, one.Message)
	}
	return words
}
