// Package web holds the one rule by which HTTP requests wait, are repeated and are
// given up.
//
//   - A request or a body that moves nothing for Rule.Idle has failed. How long
//     it takes as a whole does not matter: a slow transfer goes on.
//   - What may go better the next time is repeated: statuses such as 429 and 503,
//     and connections that break. The pauses grow, and Retry-After is obeyed.
//   - A download that breaks is continued (Reader). One that brings next to
//     nothing each time has failed.
//   - All waiting of one import or export together is bounded by a Budget:
//     standstill, pauses, and all time from a failure until the repeated request
//     succeeds, be it spent on sending the same bytes again. When the budget is
//     used up, every request that shares it ends.
//
// A Transport applies the rule to requests; Do applies it to what only its caller
// can repeat.
//
// What it is not for: authentication, redirects, and what an answer means.
package web
