package phases

import (
	"encoding/json"

	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/trust"
)

// Session is what every phase is told in addition to its own input.
type Session struct {
	PlatformAPI string         `json:"platform_api"`
	User        lifecycle.User `json:"user"`
	// Owner is whom the files in the app image's layers belong to.
	Owner lifecycle.User `json:"owner"`
	// ExecEnv is the execution environment that the app image is for.
	ExecEnv string `json:"exec_env"`
	// Insecure are the registry hosts to be reached without verified TLS.
	Insecure []string `json:"insecure,omitempty"`
	Verbose  bool     `json:"verbose,omitempty"`
	// Paths are those of the plan.
	Paths lifecycle.Paths `json:"paths"`
	Grant *trust.Grant    `json:"grant,omitempty"`
	// Rule says how long requests may wait without which there is no build.
	Rule web.Rule `json:"rule"`
	// Unreachable says why registries that only caches are in cannot be reached,
	// by host. They are not asked again.
	Unreachable map[string]string `json:"unreachable,omitempty"`
	// Greetings are the registries that have been greeted.
	Greetings *web.Greetings `json:"greetings,omitempty"`
}

// request is the first message to a phase.
type request struct {
	Session Session         `json:"session"`
	Input   json.RawMessage `json:"input"`
}

// message is what a phase says: exactly one field is set.
type message struct {
	Question *question       `json:"question,omitempty"`
	Output   json.RawMessage `json:"output,omitempty"`
	Error    *Error          `json:"error,omitempty"`
}

// question is what a phase asks of its caller: ID and one other field.
type question struct {
	// ID is that of the answer. Several questions can be open.
	ID int `json:"id"`
	// RenewGrant asks for a new grant of the same scope.
	RenewGrant bool `json:"renew_grant,omitempty"`
	// Keys asks for a grant of the keys to a store, by the ID of its location.
	Keys string `json:"keys,omitempty"`
	// Detected waits until the buildpacks have been detected.
	Detected bool `json:"detected,omitempty"`
	// Loan asks something of a borrowed store.
	Loan *loanQuestion `json:"loan,omitempty"`
	// Apps asks something of those who keep app images.
	Apps *appsQuestion `json:"apps,omitempty"`
	// Published is the digest of the app image, which is in its registry. Whoever
	// asks goes on when the caller has seen it there.
	Published string `json:"published,omitempty"`
}

// answer is what a phase gets for a question: Refusal, or what was asked for.
type answer struct {
	ID       int          `json:"id"`
	Grant    *trust.Grant `json:"grant,omitempty"`
	Detected *Detected    `json:"detected,omitempty"`
	Loan     *loanAnswer  `json:"loan,omitempty"`
	Saved    *Saved       `json:"saved,omitempty"`
	Refusal  *refusal     `json:"refusal,omitempty"`
}

// fields counts what is set.
func (m message) fields() int {
	return count(m.Question != nil, m.Output != nil, m.Error != nil)
}

// fields counts what is set apart from the ID.
func (q question) fields() int {
	return count(q.RenewGrant, q.Keys != "", q.Detected, q.Loan != nil, q.Apps != nil, q.Published != "")
}

func count(set ...bool) int {
	n := 0
	for _, one := range set {
		if one {
			n++
		}
	}
	return n
}

// Error is a failure inside a phase as its caller sees it.
type Error struct {
	Phase   lifecycle.Name `json:"phase"`
	Message string         `json:"message"`
	// Advice is what the user can do about it.
	Advice string `json:"advice,omitempty"`
	// Code is the exit code that the lifecycle gives such a failure.
	Code int `json:"code"`
	// NoRoom is set when a volume's file system is full.
	NoRoom bool `json:"no_room,omitempty"`
	// Trouble is set when a registry refused or could not be reached.
	Trouble *Trouble `json:"trouble,omitempty"`
}

// Error implements error.
func (e *Error) Error() string { return string(e.Phase) + ": " + e.Message }

// Hint returns what the user can do about it.
func (e *Error) Hint() string { return e.Advice }

// Unwrap lets callers see the phase's exit code.
func (e *Error) Unwrap() error {
	return &lifecycle.ExitError{Phase: e.Phase, Code: e.Code}
}
