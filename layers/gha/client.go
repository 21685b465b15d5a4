package gha

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/pack-cache/pack-cache/internal/reach"
	"github.com/pack-cache/pack-cache/internal/web"
)

// client sends requests, again where that helps.
type client struct {
	http *http.Client
	// token is for the service itself, never for storage: there the URL is the
	// permission.
	token string
	agent string
}

// called is what hints call the service. Its address is in variables.
var called = reach.Server{Name: "the GitHub Actions cache", Host: "the GitHub Actions cache", Plain: "check the ACTIONS_ variables", Settings: "the ACTIONS_ variables"}

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

// send sends a request and returns the answer, whatever its status. The transport
// has repeated it as long as that made sense. The error is the context's when that
// has ended.
func (c *client) send(ctx context.Context, k call) (*http.Response, error) {
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
	case err != nil:
		return nil, &failure{op: k.op, what: k.what, cause: fmt.Errorf("no answer: %w", bare(err)), gaveUp: true,
			hint: called.Silent(err)}
	}
	return resp, nil
}

func (c *client) once(ctx context.Context, k call) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, k.method, k.url, bytes.NewReader(k.body))
	if err != nil {
		return nil, errors.New("the cache service returned an invalid URL")
	}
	for key, values := range k.header {
		req.Header[key] = values
	}
	req.Header.Set("User-Agent", c.agent)
	if k.service {
		if c.token != "" {
			req.Header.Set("Authorization", "Bearer "+c.token)
		}
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
		defer web.Drop(resp)
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
	web.Drop(resp)
	return nil
}
