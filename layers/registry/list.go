package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/pack-cache/pack-cache/layers"
)

var _ layers.Lister = (*Store)(nil)

// maxTags is how large a page of tags may be.
const maxTags = 8 << 20

// List implements layers.Lister (distribution specification, "Listing Tags").
// Registries do not tell when a tag moved, nor its digest.
func (s *Store) List(ctx context.Context) ([]layers.Listed, error) {
	c, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	tags, err := c.tags(ctx)
	if errors.Is(err, layers.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []layers.Listed
	for _, one := range tags {
		if s.checkName(one) == nil {
			all = append(all, layers.Listed{Name: one})
		}
	}
	return all, nil
}

// tags reads all pages of the repository's tags.
func (c *client) tags(ctx context.Context) ([]string, error) {
	next := c.url("tags", "list")
	next.RawQuery = "n=1000"
	var all []string
	for seen := map[string]bool{}; next != nil && !seen[next.String()]; {
		seen[next.String()] = true
		page, following, err := c.page(ctx, next)
		if err != nil {
			return nil, err
		}
		all, next = append(all, page...), following
	}
	return all, nil
}

// page reads one page of tags, and returns where the one after it is.
func (c *client) page(ctx context.Context, at *url.URL) ([]string, *url.URL, error) {
	k := call{op: "list the tags of", method: http.MethodGet, url: at, scopes: c.pull()}
	resp, err := c.send(ctx, k)
	if err != nil {
		return nil, nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, nil, c.answered(resp, k.op, c.repo.Name())
	}
	defer resp.Body.Close()
	var said struct {
		Tags []string `json:"tags"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxTags)).Decode(&said); err != nil {
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		return nil, nil, &failure{op: k.op, subject: c.repo.Name(), cause: fmt.Errorf("the answer is not a list of tags: %w", bare(err))}
	}
	return said.Tags, c.following(at, resp.Header.Get("Link")), nil
}

// following is the page that a Link header (RFC 5988) names, if it is of this
// registry.
func (c *client) following(at *url.URL, link string) *url.URL {
	target, rest, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(link), "<"), ">")
	if !ok || !strings.Contains(rest, "next") {
		return nil
	}
	next, err := at.Parse(target)
	if err != nil {
		return nil
	}
	if next.Host == c.base.Host {
		next.Scheme = c.base.Scheme // as in session
	}
	if !sameOrigin(next, c.base) {
		return nil
	}
	return next
}
