package gha

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// client sends requests, again where that helps.
type client struct {
	http *http.Client
	// token is for the service itself, never for storage: there the URL is the
	// permission.
	token string
	agent string
	retry backoff
}

// backoff is how often and after what pauses a request is repeated.
type backoff struct {
	attempts int
	// first is the pause after the first failure; each further one is twice as
	// long. longest bounds what the service may ask for in Retry-After.
	first, longest time.Duration
}

// The service's limits are for a minute.
var defaultBackoff = backoff{attempts: 6, first: 250 * time.Millisecond, longest: 2 * time.Minute}

// call is one request.
type call struct {
	op, what string // for errors
	method   string
	url      string
	header   http.Header
	body     []byte
	// service says that it goes to the service itself, with the token.
	service bool
}

// send sends a request and returns the answer, whatever its status. Failures
// that may pass are tried again, after the pause that the service asks for. The
// error is the context's when that has ended.
func (c *client) send(ctx context.Context, k call) (*http.Response, error) {
	pause := c.retry.first
	for attempt := 1; ; attempt++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		resp, err := c.once(ctx, k)
		switch {
		case ctx.Err() != nil:
			if err == nil {
				resp.Body.Close()
			}
			return nil, ctx.Err()
		case err == nil && !temporary(resp.StatusCode):
			return resp, nil
		case attempt == c.retry.attempts && err == nil:
			return resp, nil
		case attempt == c.retry.attempts:
			return nil, &failure{op: k.op, what: k.what, cause: fmt.Errorf("no answer: %w", bare(err)), gaveUp: true,
				hint: "check the network, the proxy settings and the ACTIONS_ variables"}
		}
		wait := pause/2 + rand.N(pause)
		pause *= 2
		if err == nil {
			wait = max(wait, min(retryAfter(resp.Header, time.Now()), c.retry.longest))
			drop(resp)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (c *client) once(ctx context.Context, k call) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, k.method, k.url, bytes.NewReader(k.body))
	if err != nil {
		return nil, errors.New("the service gave a URL that is none")
	}
	for key, values := range k.header {
		req.Header[key] = values
	}
	req.Header.Set("User-Agent", c.agent)
	if k.service {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	return c.http.Do(req)
}

// ask sends JSON to the service, and reads its answer into out if that has one
// of the statuses.
func (c *client) ask(ctx context.Context, k call, in, out any, statuses ...int) error {
	k.service = true
	if in != nil {
		var err error
		if k.body, err = json.Marshal(in); err != nil {
			return err
		}
		if k.header == nil {
			k.header = http.Header{}
		}
		k.header.Set("Content-Type", "application/json")
	}
	resp, err := c.send(ctx, k)
	if err != nil {
		return err
	}
	for _, status := range statuses {
		if resp.StatusCode != status {
			continue
		}
		defer drop(resp)
		if out == nil || status == http.StatusNoContent {
			return nil
		}
		if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(out); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return &failure{op: k.op, what: k.what, cause: errors.New("the service's answer cannot be understood")}
		}
		return nil
	}
	return c.answered(resp, k)
}

// store sends something to storage, which answers 201.
func (c *client) store(ctx context.Context, k call) error {
	resp, err := c.send(ctx, k)
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return c.answered(resp, k)
	}
	drop(resp)
	return nil
}

// drop closes an answer after reading what little there is, so that its
// connection can be used again.
func drop(resp *http.Response) {
	io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	resp.Body.Close()
}

// retryAfter reads RFC 9110 section 10.2.3: seconds or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil {
		return time.Duration(min(max(seconds, 0), 3600)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// temporary says whether a status may be another one the next time.
func temporary(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}
