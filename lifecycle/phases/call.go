package phases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/trust"
)

// Renew makes a new grant of the scope that the first one had.
type Renew func(context.Context) (*trust.Grant, error)

// Call runs one of pack-cache's own phases in a place and decodes its output
// into out. The log of the phase goes to stderr. A failure inside the phase is
// an *Error.
func Call(ctx context.Context, place lifecycle.Place, phase lifecycle.Phase, session Session, renew Renew, input, out any, stderr io.Writer) error {
	rawInput, err := json.Marshal(input)
	if err != nil {
		return fmt.Errorf("encode input of phase %s: %w", phase.Name, err)
	}
	stdin, toPhase := io.Pipe()
	fromPhase, stdout := io.Pipe()
	conversation := &conversation{toPhase: toPhase, renew: renew}

	ended := make(chan error, 1)
	go func() {
		err := place.Run(ctx, phase, lifecycle.Streams{Stdin: stdin, Stdout: stdout, Stderr: stderr})
		stdin.CloseWithError(io.ErrClosedPipe)
		stdout.Close()
		ended <- err
	}()
	output, talkErr := conversation.hold(ctx, request{Session: session, Input: rawInput}, fromPhase)
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
	return fmt.Errorf("phase %s gave no result: %w", phase.Name, talkErr)
}

// conversation is the caller's side of the messages.
type conversation struct {
	toPhase io.Writer
	renew   Renew
}

// hold sends the request and answers the phase until it gives its output.
func (c *conversation) hold(ctx context.Context, req request, fromPhase io.Reader) (json.RawMessage, error) {
	encoder := json.NewEncoder(c.toPhase)
	if err := encoder.Encode(req); err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(fromPhase)
	for {
		var m message
		if err := decoder.Decode(&m); err != nil {
			return nil, err
		}
		switch {
		case m.Error != nil:
			return nil, m.Error
		case m.RenewGrant:
			if err := encoder.Encode(c.renewed(ctx)); err != nil {
				return nil, err
			}
		default:
			return m.Output, nil
		}
	}
}

func (c *conversation) renewed(ctx context.Context) answer {
	if c.renew == nil {
		return answer{Error: "this phase has no grant"}
	}
	grant, err := c.renew(ctx)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Grant: grant}
}
