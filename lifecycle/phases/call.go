package phases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/kinds"
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
	// Loans are the stores that the phase borrows, by the IDs of the locations in its
	// input. Place.Import and Place.Export carry what is in them.
	Loans map[string]Lending
	// Logins find the keys to stores, by the IDs of the locations in its input.
	Logins map[string]kinds.Login
	// Apps keeps the app image, nil if the phase publishes it.
	Apps Apps
	// Published looks whether the app image is in its registry by a digest; nil if
	// the phase does not publish it.
	Published func(ctx context.Context, digest string) error
	// Detected waits until restore can go on; nil for other phases.
	Detected func(context.Context) (Detected, error)
	// Log receives what the phase has to say to people.
	Log io.Writer
}

// Lending is a store that a phase borrows.
type Lending struct {
	Store layers.Store
	// Name is the snapshot that the phase may read and, with Write, replace.
	Name string
	// Write lets export add to the store. What a build imports from is not
	// written to, whoever asks.
	Write bool
	// anyName is for tests of the store as a whole.
	anyName bool
}

// Output is what a phase gives its caller. Check fails if it is not an answer to
// the input, and neutralises what could do harm where it is shown.
type Output[In any] interface{ Check(In) error }

// Run runs the phase and decodes its output into out. A failure inside the phase
// is an *Error. Nothing that comes from the phase is believed: a phase that
// breaks the rules of the conversation is ended.
func Run[In any](ctx context.Context, c Call, input In, out Output[In]) error {
	rawInput, err := json.Marshal(input)
	if err != nil {
		return fmt.Errorf("encode input of phase %s: %w", c.Phase.Name, err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stdin, toPhase := io.Pipe()
	fromPhase, stdout := io.Pipe()

	ended := make(chan error, 1)
	go func() {
		err := c.Place.Run(ctx, c.Phase, lifecycle.Streams{Stdin: stdin, Stdout: stdout, Stderr: c.Log})
		stdin.CloseWithError(io.ErrClosedPipe)
		stdout.Close()
		ended <- err
	}()
	talk := &conversation{
		phase: c.Phase.Name, toPhase: json.NewEncoder(toPhase), hangUp: toPhase.Close, renew: renewals{renew: c.Renew}, logins: c.Logins,
		lender: lender{c.Place, c.Loans, c.Phase.Name == lifecycle.Export}, apps: c.Apps, detected: c.Detected, published: c.Published,
	}
	output, talkErr := talk.hold(ctx, request{Session: c.Session, Input: rawInput}, fromPhase)
	broken, isBroken := errors.AsType[*brokenError](talkErr)
	if isBroken {
		cancel(broken)
	}
	_, _ = io.Copy(io.Discard, fromPhase)
	runErr := <-ended

	phaseErr, failed := errors.AsType[*Error](talkErr)
	switch {
	case isBroken:
		return &Error{
			Phase: c.Phase.Name, Message: "it was ended because it said " + readable(broken.message), Advice: broken.Hint(), Code: codeOf(c.Phase.Name),
		}
	case talkErr == nil && runErr == nil:
		return talk.decode(output, out, func() error { return out.Check(input) })
	case ctx.Err() != nil:
		return ctx.Err()
	case failed:
		return phaseErr.clean(c.Phase.Name)
	case runErr != nil:
		return runErr
	}
	return fmt.Errorf("phase %s gave no result: %w", c.Phase.Name, talkErr)
}

// decode reads what a phase has found and has it checked.
func (c *conversation) decode(output json.RawMessage, out any, check func() error) error {
	err := strict(output, out)
	if err == nil {
		err = check()
	}
	if err == nil {
		err = c.isSeen(out)
	}
	if err != nil {
		return &Error{Phase: c.phase, Message: "its result cannot be right: " + readable(err.Error()), Advice: (&brokenError{}).Hint(), Code: codeOf(c.phase)}
	}
	return nil
}
