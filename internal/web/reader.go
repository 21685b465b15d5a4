package web

import (
	"context"
	"errors"
	"io"
)

// worth is how many bytes a connection has to bring to be worth the request, if
// as many are missing. A part of the rest is enough where that is small.
const worth = 64 << 10

// Reader reads something through one connection after the other, each of which
// goes on where the one before it broke. It is not safe for concurrent use.
type Reader struct {
	// Open opens what follows on offset. An error that is not to be tried again
	// wraps ErrGaveUp.
	Open func(offset int64) (io.ReadCloser, error)
	// Offset is the next byte, End the one after the last.
	Offset, End int64

	ctx    context.Context // of the read that it belongs to
	budget *Budget
	rule   Rule
	body   io.ReadCloser
	// from is where the connection began.
	from    int64
	failed  int
	waiting bool
	last    error
}

// NewReader returns a Reader of the bytes from offset to end. The budget is that
// of the context. The caller closes it.
func NewReader(ctx context.Context, offset, end int64, open func(offset int64) (io.ReadCloser, error)) *Reader {
	b := Of(ctx)
	if b == nil {
		b = NewBudget(Rule{}, "", nil)
	}
	return &Reader{Open: open, Offset: offset, End: end, ctx: ctx, budget: b, rule: b.rule}
}

// Read implements io.Reader. It ends with io.EOF at End and nowhere else. When
// too many connections in a row have brought next to nothing, the error is a
// *GaveUp; its cause is io.EOF if the last one ended without an error.
func (r *Reader) Read(p []byte) (int, error) {
	for r.Offset < r.End {
		if err := r.connect(); err != nil {
			return 0, err
		}
		n, err := r.body.Read(p[:min(int64(len(p)), r.End-r.Offset)])
		r.Offset += int64(n)
		if n > 0 {
			r.resume()
		}
		if err != nil && r.Offset < r.End {
			if err := r.broke(err); err != nil {
				return n, err
			}
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, io.EOF
}

// broke closes a connection and says whether another one is worth while.
func (r *Reader) broke(err error) error {
	_ = r.closeBody()
	if r.ctx.Err() != nil {
		return r.ctx.Err()
	}
	if errors.Is(err, ErrGaveUp) {
		return err
	}
	r.last = err
	if got := r.Offset - r.from; got > 0 && got >= min(worth, (got+r.End-r.Offset)/8) {
		r.failed = 0
	}
	r.failed++
	r.budget.note(err)
	return nil
}

// connect opens the rest, unless that is open.
func (r *Reader) connect() error {
	for r.body == nil {
		if err := errors.Join(r.ctx.Err(), r.budget.Err()); err != nil {
			return r.stop(err)
		}
		if r.failed >= r.rule.Attempts {
			return r.stop(&GaveUp{"several attempts received too little", r.last})
		}
		if r.failed > 0 {
			if !r.waiting {
				r.waiting = true
				r.budget.wait()
			}
			if err := r.budget.sleep(r.ctx, r.rule.First/2<<(r.failed-1)); err != nil {
				return r.stop(err)
			}
		}
		body, err := r.Open(r.Offset)
		switch {
		case err == nil:
			r.body, r.from = body, r.Offset
		case r.ctx.Err() != nil:
			return r.stop(r.ctx.Err())
		case !Transient(err):
			return r.stop(err)
		default:
			r.last = err
			r.failed++
		}
	}
	return nil
}

func (r *Reader) stop(err error) error {
	r.resume()
	if r.ctx.Err() != nil {
		return r.ctx.Err()
	}
	return err
}

// resume says that something has come.
func (r *Reader) resume() {
	if r.waiting {
		r.waiting = false
		r.budget.resume()
	}
}

func (r *Reader) closeBody() error {
	if r.body == nil {
		return nil
	}
	body := r.body
	r.body = nil
	return body.Close()
}

// Close implements io.Closer. It ends the connection.
func (r *Reader) Close() error {
	r.resume()
	return r.closeBody()
}
