package phases

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/pack-cache/pack-cache/layers/kinds"
	"github.com/pack-cache/pack-cache/lifecycle"
)

const (
	// maxMessage is how long a message of a phase may be. The longest ones are
	// manifests and what an app image says of its layers.
	maxMessage = 32 << 20
	// maxOpen is how many questions of a phase may be open. Each is one of a layer
	// that is being read or written.
	maxOpen = 256
)

// conversation is the caller's side of the messages. Whatever a phase says may
// come from somebody who speaks in its place.
type conversation struct {
	phase    lifecycle.Name
	renew    renewals
	logins   map[string]kinds.Login
	lender   lender
	apps     Apps
	detected func(context.Context) (Detected, error)
	// published looks whether an app image is in its registry; nil if it does not
	// belong there.
	published func(ctx context.Context, digest string) error

	sending sync.Mutex // held until the phase has read what is sent
	toPhase *json.Encoder
	hangUp  func() error // ends what is being sent

	mu   sync.Mutex
	open map[int]bool // questions that are being answered
	// seen is the app image that is where it belongs; nil if there is none yet.
	seen *Saved
}

// brokenError says that a phase does not keep to the rules of the conversation.
type brokenError struct{ message string }

// Error implements error.
func (e *brokenError) Error() string { return e.message }

// Hint tells what that can mean.
func (e *brokenError) Hint() string {
	return "a buildpack may have taken over the phase: examine the builder and its buildpacks before you trust what this build has made"
}

// hold sends the request and answers the phase until it gives its output, which
// is the last that it says.
func (c *conversation) hold(ctx context.Context, req request, fromPhase io.Reader) (json.RawMessage, error) {
	if err := c.send(req); err != nil {
		return nil, err
	}
	var answering sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		// A phase need not read what it has asked for.
		_ = c.hangUp()
		answering.Wait()
	}()
	lines := bufio.NewReaderSize(fromPhase, 64<<10)
	for {
		line, err := readLine(lines, maxMessage)
		if err != nil {
			return nil, err
		}
		var m message
		if err := strict(line, &m); err != nil {
			return nil, &brokenError{fmt.Sprintf("a message that cannot be read: %v", err)}
		}
		switch {
		case m.fields() != 1:
			return nil, &brokenError{"a message that says nothing, or several things"}
		case m.Question == nil:
			if err := last(lines); err != nil {
				return nil, err
			}
			if m.Error != nil {
				return nil, m.Error
			}
			return m.Output, nil
		}
		if err := c.begin(m.Question.ID); err != nil {
			return nil, err
		}
		answering.Go(func() {
			a := c.answer(ctx, *m.Question)
			c.end(m.Question.ID)
			// A phase that does not listen any more is about to end.
			_ = c.send(a)
		})
	}
}

// begin notes that a question is open.
func (c *conversation) begin(id int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case id < 1 || c.open[id]:
		return &brokenError{fmt.Sprintf("question %d was asked twice", id)}
	case len(c.open) >= maxOpen:
		return &brokenError{fmt.Sprintf("more than %d questions at once", maxOpen)}
	case c.open == nil:
		c.open = map[int]bool{}
	}
	c.open[id] = true
	return nil
}

func (c *conversation) end(id int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, id)
}

func (c *conversation) send(message any) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	return c.toPhase.Encode(message)
}

// answer does what a phase asks for.
func (c *conversation) answer(ctx context.Context, q question) answer {
	a := answer{ID: q.ID}
	err := errors.New("a message must ask exactly one thing")
	switch {
	case q.fields() != 1:
	case q.RenewGrant:
		a.Grant, err = c.renew.next(ctx)
	case q.Keys != "":
		a.Grant, err = findKeys(ctx, c.logins, q.Keys)
	case q.Detected && c.detected == nil:
		err = fmt.Errorf("phase %s does not wait for detect", c.phase)
	case q.Detected:
		a.Detected = new(Detected)
		*a.Detected, err = c.detected(ctx)
	case q.Loan != nil:
		var done loanAnswer
		done, err = c.lender.answer(ctx, *q.Loan)
		a.Loan = &done
	case q.Apps != nil:
		var saved Saved
		saved, err = c.lender.answerApps(ctx, c.apps, *q.Apps)
		a.Saved = &saved
		if err == nil && q.Apps.Save != nil {
			err = c.note(saved)
		}
	case c.published == nil:
		err = fmt.Errorf("phase %s publishes nothing", c.phase)
	case c.saw(Saved{Digest: q.Published}):
		err = nil
	default:
		if err = c.published(ctx, q.Published); err == nil {
			err = c.note(Saved{Digest: q.Published})
		}
	}
	if err != nil {
		return answer{ID: q.ID, Refusal: refuse(err)}
	}
	return a
}

// note remembers the app image that is where it belongs. There is only one.
func (c *conversation) note(saved Saved) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen != nil && *c.seen != saved {
		return errors.New("there is an app image already")
	}
	c.seen = &saved
	return nil
}

// saw reports whether the app image was seen where it belongs.
func (c *conversation) saw(saved Saved) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen != nil && *c.seen == saved
}

// isSeen fails unless an output tells of the app image that was seen.
func (c *conversation) isSeen(output any) error {
	export, ok := output.(*ExportOutput)
	if !ok {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var seen Saved
	if c.seen != nil {
		seen = *c.seen
	}
	if export.Saved != seen {
		return fmt.Errorf("it reports app image %+v, and pack-cache has seen %+v", export.Saved, seen)
	}
	return nil
}

// readLine reads the next message, which is a line of at most limit bytes.
func readLine(r *bufio.Reader, limit int) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > limit {
			return nil, &brokenError{fmt.Sprintf("a message of more than %d bytes", limit)}
		}
		line = append(line, part...)
		switch {
		case err == nil:
			return line, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case err == io.EOF && len(bytes.TrimSpace(line)) > 0:
			return nil, io.ErrUnexpectedEOF
		default:
			return nil, err
		}
	}
}

// last fails unless nothing more comes.
func last(r *bufio.Reader) error {
	if _, err := r.ReadByte(); err == nil {
		return &brokenError{"data after the last message"}
	}
	return nil // how the phase ends is told by the place
}

// strict decodes JSON that has to be of exactly one form.
func strict(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return errors.New("there is more than one value")
	}
	return nil
}
