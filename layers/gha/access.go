package gha

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pack-cache/pack-cache/layers"
)

// Access is what a run may do with the cache, in the words of
// ACTIONS_CACHE_MODE.
type Access string

// The kinds of access. Any other word is ReadWrite, as in GitHub's own client.
const (
	ReadWrite Access = "write"
	ReadOnly  Access = "read"
	WriteOnly Access = "write-only"
	NoAccess  Access = "none"
)

func (a Access) reads() bool  { return a != WriteOnly && a != NoAccess }
func (a Access) writes() bool { return a != ReadOnly && a != NoAccess }

// denied is the failure of something that the run may not do.
func (a Access) denied(op, what string) error {
	return &failure{op: op, what: what, cause: layers.ErrDenied, reason: a.reason(),
		hint: "what a workflow run may do with caches is decided by the event that started it and by the settings of the repository"}
}

func (a Access) reason() string {
	return fmt.Sprintf("this workflow run may not do that: ACTIONS_CACHE_MODE is %s", a)
}

// refuseWrite returns an error if it is known that the run may not write.
func (s *Store) refuseWrite(what string) error {
	switch {
	case !s.access.writes():
		return s.access.denied("write", what)
	case !s.mayWrite:
		return &failure{op: "write", what: what, cause: layers.ErrDenied, reason: "the job's token is for reading only",
			hint: "runs of forks, and of events that the repository does not trust, may not write: export the cache in runs of the repository's own branches"}
	}
	return nil
}

// mayWrite reads off a token whether it is for writing anywhere: its claim "ac"
// lists scopes with a bit for reading and one for writing. A token that does not
// say so may write; the service decides.
func mayWrite(token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return true
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return true
	}
	var claims struct {
		AC string `json:"ac"`
	}
	var scopes []struct{ Permission int }
	if json.Unmarshal(raw, &claims) != nil || json.Unmarshal([]byte(claims.AC), &scopes) != nil {
		return true
	}
	const write = 2
	for _, scope := range scopes {
		if scope.Permission&write != 0 {
			return true
		}
	}
	return false
}
