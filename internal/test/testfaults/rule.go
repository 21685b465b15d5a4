package testfaults

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
	// Status, if not 0, is answered instead of asking the server, with Header
	// and Body.
	Status int
	Header http.Header
	Body   string
	// Drop closes the connection without an answer and Reset resets it, both
	// before the server sees the request.
	Drop, Reset bool
	// Lose has the server carry out the request. Then the connection is closed
	// without an answer, or with Status that is the answer.
	Lose bool
	// CutRequest and CutResponse, if not 0, close the connection after that
	// many bytes of the body.
	CutRequest, CutResponse int64
	// Request and Response do harm to the bodies.
	Request, Response Harm
	// Edit, if not nil, changes the request on its way to the server.
	Edit func(*http.Request)
	// EditResponse, if not nil, changes the answer on its way back.
	EditResponse func(*http.Response)
}

// Harm is what happens to a body on its way. The zero value leaves it alone.
type Harm struct {
	// Stall, if not 0, is after how many bytes nothing follows any more, while
	// the connection stays open.
	Stall int64
	// Flip, if not 0, is which byte, counted from 1, has one bit changed.
	Flip int64
	// Shorter leaves out that many bytes at the end of an answer, whose
	// Content-Length says so. It does nothing to requests.
	Shorter int64
	// Rate, if not 0, is how many bytes pass in a second.
	Rate int
}

func (r *Rule) selects(method, path, query string) bool {
	if query != "" {
		path += "?" + query
	}
	return (r.Method == "" || r.Method == method) && (r.Path == nil || r.Path.MatchString(path))
}

// applies counts a request that the rule selects, and reports whether it meets
// the fault.
func (r *Rule) applies() bool {
	switch {
	case r.Times < 0:
		return false // used up
	case r.Skip > 0:
		r.Skip--
		return false
	case r.Times > 0:
		if r.Times--; r.Times == 0 {
			r.Times = -1
		}
	}
	return true
}
