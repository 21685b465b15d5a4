package phases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/trust"
)

// Renew makes a new grant of the scope that the first one had.
type Renew func(context.Context) (*trust.Grant, error)

// Call is a call of one of pack-cache's own phases.
type Call struct {
	Place   lifecycle.Place
	Phase   lifecycle.Phase
	Session Session
	// Renew renews the session's grant; nil if there is none.
	Renew Renew
	// Loans are the stores that the phase borrows: those that the locations in
	// its input have a Loan for. Place.Import and Place.Export carry what is in
	// them.
	Loans []layers.Store
	// Logins find the keys to stores: those that the locations in the phase's
	// input have a Login for.
	Logins []Login
	// Apps keeps the app image, nil if the phase publishes it.
	Apps Apps
	// Detected waits until restore can go on; nil if it can at once.
	Detected func(context.Context) (Detected, error)
	// Log receives what the phase has to say to people.
	Log io.Writer
}

// Run runs the phase and decodes its output into out. A failure inside the phase
// is an *Error.
func (c Call) Run(ctx context.Context, input, out any) error {
	rawInput, err := json.Marshal(input)
	if err != nil {
		return fmt.Errorf("encode input of phase %s: %w", c.Phase.Name, err)
	}
	stdin, toPhase := io.Pipe()
	fromPhase, stdout := io.Pipe()

	ended := make(chan error, 1)
	go func() {
		err := c.Place.Run(ctx, c.Phase, lifecycle.Streams{Stdin: stdin, Stdout: stdout, Stderr: c.Log})
		stdin.CloseWithError(io.ErrClosedPipe)
		stdout.Close()
		ended <- err
	}()
	talk := &conversation{toPhase: json.NewEncoder(toPhase), renew: c.Renew, logins: c.Logins, lender: lender{c.Place, c.Loans}, apps: c.Apps, detected: c.Detected}
	output, talkErr := talk.hold(ctx, request{Session: c.Session, Input: rawInput}, fromPhase)
	io.Copy(io.Discard, fromPhase)
	toPhase.Close()
	runErr := <-ended

	phaseErr, failed := errors.AsType[*Error](talkErr)
	switch {
	case talkErr == nil && runErr == nil:
		return json.Unmarshal(output, out)
	case ctx.Err() != nil:
		return ctx.Err()
	case failed:
		return phaseErr
	case runErr != nil:
		return runErr
	}
	return fmt.Errorf("phase %s gave no result: %w", c.Phase.Name, talkErr)
}

// conversation is the caller's side of the messages.
type conversation struct {
	renew    Renew
	logins   []Login
	lender   lender
	apps     Apps
	detected func(context.Context) (Detected, error)

	mu      sync.Mutex
	toPhase *json.Encoder
}

// hold sends the request and answers the phase until it gives its output.
func (c *conversation) hold(ctx context.Context, req request, fromPhase io.Reader) (json.RawMessage, error) {
	if err := c.send(req); err != nil {
		return nil, err
	}
	var answering sync.WaitGroup
	defer answering.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	decoder := json.NewDecoder(fromPhase)
	for {
		var m message
		if err := decoder.Decode(&m); err != nil {
			return nil, err
		}
		switch {
		case m.Error != nil:
			return nil, m.Error
		case m.Question != nil:
			answering.Go(func() {
				// A phase that does not listen any more is about to end.
				_ = c.send(c.answer(ctx, *m.Question))
			})
		default:
			return m.Output, nil
		}
	}
}

func (c *conversation) send(message any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.toPhase.Encode(message)
}

// answer does what a phase asks for.
func (c *conversation) answer(ctx context.Context, q question) answer {
	a := answer{ID: q.ID}
	err := errors.New("nothing was asked")
	switch {
	case q.RenewGrant && c.renew == nil:
		err = errors.New("this phase has no grant")
	case q.RenewGrant:
		a.Grant, err = c.renew(ctx)
	case q.Login != 0:
		a.Keys, err = findKeys(ctx, c.logins, q.Login)
	case q.Detected:
		a.Detected, err = new(Detected), nil
		if c.detected != nil {
			*a.Detected, err = c.detected(ctx)
		}
	case q.Loan != nil:
		var done loanAnswer
		done, err = c.lender.answer(ctx, *q.Loan)
		a.Loan = &done
	case q.Apps != nil:
		var saved Saved
		saved, err = c.lender.answerApps(ctx, c.apps, *q.Apps)
		a.Saved = &saved
	}
	if err != nil {
		return answer{ID: q.ID, Refusal: refuse(err)}
	}
	return a
}
