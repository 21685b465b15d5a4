package testregistry

import (
	"net/http"
	"regexp"
	"time"
)

// Rule is a fault: which requests meet it and what happens to them.
type Rule struct {
	// Method and Path select requests; empty and nil select all. Path is
	// matched with the path and the query.
	Method string
	Path   *regexp.Regexp
	// Skip lets that many matching requests pass first; Times, if not 0, is how
	// many meet the fault then.
	Skip, Times int

	// Delay is waited before anything else.
	Delay time.Duration
	// Status, if not 0, is answered instead of asking the registry, with Header
	// and Body.
	Status int
	Header http.Header
	Body   string
	// Drop closes the connection without an answer, before the registry sees
	// the request; Lose does so after the registry has answered.
	Drop, Lose bool
	// CutRequest and CutResponse, if not 0, close the connection after that
	// many bytes of the body.
	CutRequest, CutResponse int64
	// Edit, if not nil, changes the request on its way to the registry.
	Edit func(*http.Request)
	// EditResponse, if not nil, changes the answer on its way back.
	EditResponse func(*http.Response)
}

func (r *Rule) selects(method, path, query string) bool {
	if query != "" {
		path += "?" + query
	}
	return (r.Method == "" || r.Method == method) && (r.Path == nil || r.Path.MatchString(path))
}
