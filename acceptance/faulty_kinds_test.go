package acceptance

import (
	"net/http"
	"time"

	"github.com/pack-cache/pack-cache/internal/test/testfaults"
)

// faultKind is what happens to requests.
type faultKind struct {
	name string
	rule testfaults.Rule
	// of says which requests it can happen to.
	of reach
	// ends is what becomes of the import or export, or of the build's images.
	ends ending
	// says is a regular expression for the reason, where there is one.
	says string
}

type reach int

const (
	both reach = iota
	reads
	writes
)

type ending int

const (
	// repeated: as if nothing had been.
	repeated ending = iota
	// lost: it comes to nothing, and that is said.
	lost
	// open: the one or the other, since nobody can tell.
	open
)

// transient are faults that pass, lasting those that stay. What is transient is
// repeated, what lasts is given up in time.
var (
	transient = []faultKind{
		{name: "503 twice", rule: testfaults.Rule{Status: 503, Times: 2}},
		{name: "500 once", rule: testfaults.Rule{Status: 500, Times: 1}},
		{name: "502 once", rule: testfaults.Rule{Status: 502, Body: "<html>bad gateway</html>", Times: 1}},
		{name: "504 once", rule: testfaults.Rule{Status: 504, Times: 1}},
		{name: "429 with Retry-After", rule: testfaults.Rule{Status: 429, Header: http.Header{"Retry-After": {"1"}}, Times: 1}},
		{name: "dropped once", rule: testfaults.Rule{Drop: true, Times: 1}},
		{name: "reset once", rule: testfaults.Rule{Reset: true, Times: 1}},
		{name: "answer lost once", rule: testfaults.Rule{Lose: true, Times: 1}},
		{name: "502 once for what was done", rule: testfaults.Rule{Lose: true, Status: 502, Times: 1}},
		{name: "no answer once", rule: testfaults.Rule{Delay: time.Hour, Times: 1}},
		{name: "stalls once", of: reads, rule: testfaults.Rule{Response: testfaults.Harm{Stall: 1}, Times: 1}},
		{name: "cut once", of: reads, rule: testfaults.Rule{CutResponse: 100, Times: 1}},
		{name: "request cut once", of: writes, rule: testfaults.Rule{CutRequest: 100, Times: 1}},
		{name: "slow", of: reads, rule: testfaults.Rule{Response: testfaults.Harm{Rate: 100_000}}},
		{name: "slow", of: writes, rule: testfaults.Rule{Request: testfaults.Harm{Rate: 100_000}}},
		{name: "flipped once", of: reads, ends: open, rule: testfaults.Rule{Response: testfaults.Harm{Flip: 60}, Times: 1}},
		{name: "flipped once", of: writes, ends: open, rule: testfaults.Rule{Request: testfaults.Harm{Flip: 60}, Times: 1}},
		{name: "shorter once", of: reads, ends: open, rule: testfaults.Rule{Response: testfaults.Harm{Shorter: 10}, Times: 1}},
	}
	lasting = []faultKind{
		{name: "503", ends: lost, says: "503", rule: testfaults.Rule{Status: 503}},
		{name: "429 with Retry-After of ten minutes", ends: lost, says: "429", rule: testfaults.Rule{Status: 429, Header: http.Header{"Retry-After": {"600"}}}},
		{name: "403", ends: lost, says: "403", rule: testfaults.Rule{Status: 403}},
		{name: "401", ends: lost, says: "401", rule: testfaults.Rule{Status: 401}},
		{name: "a web page", of: reads, ends: lost, rule: webPage},
		{name: "a web page", of: writes, ends: open, rule: webPage},
		{name: "dropped", ends: lost, says: "EOF|reset|closed|broke|answer", rule: testfaults.Rule{Drop: true}},
		{name: "no answer", ends: lost, rule: testfaults.Rule{Delay: time.Hour}},
		{name: "stalls", of: reads, ends: lost, rule: testfaults.Rule{Response: testfaults.Harm{Stall: 1}}},
		{name: "cut", of: reads, ends: open, rule: testfaults.Rule{CutResponse: 100}},
		{name: "answers lost", of: writes, ends: open, rule: testfaults.Rule{Lose: true}},
		{name: "flipped", of: reads, ends: lost, rule: testfaults.Rule{Response: testfaults.Harm{Flip: 60}}},
		{name: "shorter", of: reads, ends: open, rule: testfaults.Rule{Response: testfaults.Harm{Shorter: 10}}},
	}
	webPage = testfaults.Rule{Status: 200, Header: http.Header{"Content-Type": {"text/html"}}, Body: "<html><body>Please log in.</body></html>"}
)

// faultsOf lists the faults that requests of a side can meet.
func faultsOf(side reach) []faultKind {
	var all []faultKind
	for _, list := range [][]faultKind{transient, lasting} {
		for _, kind := range list {
			if kind.of == both || kind.of == side {
				all = append(all, kind)
			}
		}
	}
	return all
}

// waits reports whether a row mostly waits, and so may run beside others.
func (k faultKind) waits() bool {
	return k.rule.Delay > 0 || k.rule.Response.Stall > 0 || k.rule.Response.Rate+k.rule.Request.Rate > 0 || k.ends != repeated
}
