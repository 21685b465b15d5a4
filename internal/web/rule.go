package web

import "time"

// The numbers for caches. A cache saves minutes, and may cost seconds: an import
// and an export of a store that is dead take two budgets, which together with the
// glance at the cache before the build stay below 30 seconds. A server that is
// well does not keep silent for eight seconds between two parts of an answer.
const (
	DefaultIdle = 8 * time.Second
	DefaultWait = 10 * time.Second
)

// The numbers for what a build cannot do without.
const (
	PatientIdle = 20 * time.Second
	PatientWait = time.Minute
)

const (
	// DefaultAttempts and defaultFirst take 4 seconds on average.
	DefaultAttempts = 5
	defaultFirst    = 250 * time.Millisecond
	// leastIdle is what remains of Rule.Idle when the budget is nearly used up.
	leastIdle = 3 * time.Second
	// leastMoved is how many bytes in Rule.Idle are progress.
	leastMoved = 512
	// earned is the part of the time without waiting that is given back to the
	// budget: a transfer of an hour may wait longer than one of a minute.
	earned = 20
)

// Rule says how long requests may wait and how often they are tried. The zero
// value is right for caches.
type Rule struct {
	// Idle is how long a request or a body may stand still; 0 is DefaultIdle.
	Idle time.Duration
	// Wait is how long all requests that share a budget may wait together; 0 is
	// DefaultWait.
	Wait time.Duration
	// Attempts is how often one request is tried; 0 is 5.
	Attempts int
	// First is the pause after the first failure; each further one is twice as
	// long, and all vary by half. 0 is 250 milliseconds.
	First time.Duration
}

// Patient is the rule for what a build cannot do without, such as its builder.
func Patient() Rule { return Rule{Idle: PatientIdle, Wait: PatientWait} }

// Or returns the rule with what r leaves open taken from other.
func (r Rule) Or(other Rule) Rule {
	if r.Idle == 0 {
		r.Idle = other.Idle
	}
	if r.Wait == 0 {
		r.Wait = other.Wait
	}
	if r.Attempts == 0 {
		r.Attempts = other.Attempts
	}
	if r.First == 0 {
		r.First = other.First
	}
	return r
}

func (r Rule) filled() Rule {
	return r.Or(Rule{Idle: DefaultIdle, Wait: DefaultWait, Attempts: DefaultAttempts, First: defaultFirst})
}
