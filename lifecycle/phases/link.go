package phases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/pack-cache/pack-cache/trust"
)

// link is the phase's side of the messages. It is safe for concurrent use.
type link struct {
	decoder *json.Decoder

	mu      sync.Mutex
	encoder *json.Encoder
	asked   int
	// waiting are the questions without an answer yet; nil when no more answers
	// can come.
	waiting map[int]chan<- answer
}

func newLink(in io.Reader, out io.Writer) *link {
	return &link{decoder: json.NewDecoder(in), encoder: json.NewEncoder(out), waiting: map[int]chan<- answer{}}
}

// request reads the first message. After it, only listen may read.
func (l *link) request() (request, error) {
	var req request
	if err := l.decoder.Decode(&req); err != nil {
		return request{}, fmt.Errorf("read request: %w", err)
	}
	return req, nil
}

// listen hands out answers until the caller sends no more.
func (l *link) listen() {
	for {
		var a answer
		err := l.decoder.Decode(&a)
		l.mu.Lock()
		if err != nil {
			for _, reply := range l.waiting {
				close(reply)
			}
			l.waiting = nil
			l.mu.Unlock()
			return
		}
		if reply, ok := l.waiting[a.ID]; ok {
			reply <- a
			delete(l.waiting, a.ID)
		}
		l.mu.Unlock()
	}
}

// send sends a message.
func (l *link) send(m message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.encoder.Encode(m)
}

// ask asks the caller something. What the caller refuses is a *refusal.
func (l *link) ask(ctx context.Context, q question) (answer, error) {
	if err := ctx.Err(); err != nil {
		return answer{}, err
	}
	reply, err := l.put(&q)
	if err != nil {
		return answer{}, fmt.Errorf("ask the process that started this phase: %w", err)
	}
	select {
	case a, ok := <-reply:
		switch {
		case !ok:
			return answer{}, errGone
		case a.Refusal != nil:
			return answer{}, a.Refusal
		}
		return a, nil
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
}

var errGone = errors.New("the process that started this phase is gone")

// put sends a question, and returns where its answer will be. The channel is
// closed when there will be none.
func (l *link) put(q *question) (<-chan answer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting == nil {
		return nil, errGone
	}
	l.asked++
	q.ID = l.asked
	reply := make(chan answer, 1)
	l.waiting[q.ID] = reply
	return reply, l.encoder.Encode(message{Question: q})
}

// renew asks the caller for a new grant of the same scope.
func (l *link) renew(ctx context.Context, _ string) (*trust.Grant, error) {
	a, err := l.ask(ctx, question{RenewGrant: true})
	return a.Grant, err
}
