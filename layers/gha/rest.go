package gha

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/layers"
)

var (
	_ layers.Lister  = (*Store)(nil)
	_ layers.Deleter = (*Store)(nil)
)

// rest is GitHub's REST API ("REST API endpoints for GitHub Actions cache").
type rest struct {
	*client
	api, repository string
}

func newRest(config Config, like *client) *rest {
	own := *like
	own.token = config.GitHubToken
	return &rest{&own, strings.TrimRight(cmp.Or(config.APIURL, "https://api.github.com"), "/"), config.Repository}
}

// cached is an entry as the API lists it.
type cached struct {
	ID        int64
	Key       string
	Version   string
	CreatedAt time.Time `json:"created_at"`
}

// List implements layers.Lister: the names of all branches. Their digests are
// not known.
func (s *Store) List(ctx context.Context) ([]layers.Listed, error) {
	entries, err := s.rest.list(ctx, keyPrefix)
	if err != nil {
		return nil, err
	}
	newest := map[string]time.Time{}
	for _, one := range entries {
		if name, ok := nameOf(one.Key); ok && newest[name].Compare(one.CreatedAt) <= 0 {
			newest[name] = one.CreatedAt
		}
	}
	var all []layers.Listed
	for name, changed := range newest {
		all = append(all, layers.Listed{Name: name, Changed: changed})
	}
	slices.SortFunc(all, func(a, b layers.Listed) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// Delete implements layers.Deleter. The name is gone for all branches. Blobs that
// are entries of their own are left to the service, which evicts what nobody
// reads.
func (s *Store) Delete(ctx context.Context, name string, digest v1.Hash) error {
	now, err := s.current(ctx, name)
	switch {
	case err != nil:
		return err
	case now == nil:
		return notThere(name)
	case now.desc.Digest != digest:
		return &failure{op: "delete", what: name, cause: layers.ErrConflict}
	}
	entries, err := s.rest.list(ctx, namePrefix(name))
	if err != nil {
		return err
	}
	for _, one := range entries {
		if err := s.rest.delete(ctx, one); err != nil {
			return err
		}
		s.forgetEntry(strings.ToLower(one.Key))
	}
	return nil
}

// forgetEntry drops everything that is known of an entry that is gone.
func (s *Store) forgetEntry(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.urls, key)
	for digest, at := range s.places {
		if at.Entry == key {
			delete(s.places, digest)
			delete(s.held, digest)
		}
	}
}

// check refuses to ask without what it takes.
func (r *rest) check(op string) error {
	switch {
	case r.token == "":
		return &failure{op: op, what: "entries", cause: layers.ErrDenied, said: "there is no GitHub token",
			hint: ghtokenHint}
	case strings.Count(r.repository, "/") != 1:
		return &failure{op: op, what: "entries", cause: fmt.Errorf("the repository is not known"), hint: "give repository=OWNER/NAME, or set GITHUB_REPOSITORY"}
	}
	return nil
}

func (r *rest) call(op, method, path string) call {
	return call{op: op, what: "entries", method: method, url: r.api + "/repos/" + r.repository + "/actions/caches" + path,
		header: http.Header{"Accept": {"application/vnd.github+json"}, "X-Github-Api-Version": {"2022-11-28"}}}
}

// list returns the entries of this package whose key begins with prefix, of all
// branches.
func (r *rest) list(ctx context.Context, prefix string) ([]cached, error) {
	if err := r.check("list"); err != nil {
		return nil, err
	}
	const perPage = 100
	var all []cached
	for page := 1; ; page++ {
		query := url.Values{"key": {prefix}, "per_page": {strconv.Itoa(perPage)}, "page": {strconv.Itoa(page)}}
		var read struct {
			Caches []cached `json:"actions_caches"`
		}
		if err := r.ask(ctx, r.call("list", http.MethodGet, "?"+query.Encode()), nil, &read, http.StatusOK); err != nil {
			return nil, r.explain(err)
		}
		for _, one := range read.Caches {
			if one.Version == entryVersion && strings.HasPrefix(strings.ToLower(one.Key), prefix) {
				all = append(all, one)
			}
		}
		if len(read.Caches) < perPage {
			return all, nil
		}
	}
}

// delete removes an entry. One that is gone already is no error.
func (r *rest) delete(ctx context.Context, one cached) error {
	err := r.ask(ctx, r.call("delete", http.MethodDelete, "/"+strconv.FormatInt(one.ID, 10)), nil, nil,
		http.StatusNoContent, http.StatusOK, http.StatusNotFound)
	return r.explain(err)
}

// explain says what to do about an answer of the API.
func (r *rest) explain(err error) error {
	if f, ok := errors.AsType[*failure](err); ok && (errors.Is(f.cause, layers.ErrDenied) || errors.Is(f.cause, layers.ErrNotFound)) {
		f.cause = layers.ErrDenied // what one may not see is not there for GitHub
		f.hint = ghtokenHint + "; the repository is " + r.repository
	}
	return err
}

const ghtokenHint = `give ghtoken=TOKEN; in a workflow, ${{ github.token }} with "permissions: actions: write", or read to list`
