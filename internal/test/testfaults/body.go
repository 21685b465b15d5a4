package testfaults

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

var errCut = errors.New("cut")

// body counts a body and does harm to it. It is read by one goroutine.
type body struct {
	io.ReadCloser
	count *atomic.Int64
	harm  Harm
	// cut, if not 0, is after how many bytes the body breaks off.
	cut int64
	// stop ends a body that stalls or is slow.
	stop func(long time.Duration) error
}

// body wraps a body of a request r or of its answer.
func (p *Proxy) body(r *http.Request, content io.ReadCloser, count *atomic.Int64, harm Harm, cut int64) io.ReadCloser {
	return &body{content, count, harm, cut, func(long time.Duration) error {
		select {
		case <-time.After(long):
			return nil
		case <-r.Context().Done():
			return r.Context().Err()
		case <-p.closed:
			return errCut
		}
	}}
}

// Read implements io.Reader.
func (b *body) Read(into []byte) (int, error) {
	at := b.count.Load()
	for _, end := range []int64{b.cut, b.harm.Stall} {
		if end > 0 {
			into = into[:min(int64(len(into)), max(end-at, 0))]
		}
	}
	if b.cut > 0 && at >= b.cut {
		return 0, errCut
	}
	if b.harm.Stall > 0 && at >= b.harm.Stall {
		return 0, errors.Join(b.stop(24*time.Hour), errCut)
	}
	if b.harm.Rate > 0 {
		into = into[:min(len(into), max(b.harm.Rate/10, 1))]
		if err := b.stop(time.Second * time.Duration(len(into)) / time.Duration(b.harm.Rate)); err != nil {
			return 0, err
		}
	}
	n, err := b.ReadCloser.Read(into)
	if flip := b.harm.Flip - 1 - at; flip >= 0 && flip < int64(n) {
		into[flip] ^= 1
	}
	b.count.Add(int64(n))
	return n, err
}

// shorter is the beginning of a body.
func shorter(content io.ReadCloser, length int64) io.ReadCloser {
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(content, length), content}
}
