package extra

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/pack-cache/pack-cache/builder"
)

// download adds the buildpack in an archive on the web.
func (r *resolver) download(ctx context.Context, at location) (builder.Ref, error) {
	address := at.at
	r.progress.Info("Downloading buildpack " + shown(address))
	content, err := r.get(ctx, at)
	if errors.Is(err, errPassing) && ctx.Err() == nil {
		content, err = r.get(ctx, at)
	}
	if err != nil {
		return builder.Ref{}, err
	}
	return r.archive(ctx, content)
}

// errPassing marks an error that may be gone at the next attempt.
var errPassing = errors.New("download failed")

func (r *resolver) get(ctx context.Context, at location) (*io.SectionReader, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.at, nil)
	if err != nil {
		return nil, errors.New("the address cannot be read") // the error may quote a password
	}
	client := http.Client{CheckRedirect: func(to *http.Request, via []*http.Request) error {
		if via[0].URL.Scheme == "https" && to.URL.Scheme != "https" {
			return errors.New("it leads from https to " + to.URL.Scheme)
		}
		if len(via) >= 10 {
			return errors.New("it leads from place to place")
		}
		if at.within == "" {
			return nil
		}
		if err := checkAddress(to.URL); err != nil {
			return fmt.Errorf("%w: %w", errForeign, err)
		}
		return nil
	}}
	if at.within != "" {
		client.Transport = foreignTransport()
	}
	answer, err := client.Do(request)
	if err != nil {
		// The error would show the whole address.
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err
		}
		if errors.Is(err, errForeign) {
			return nil, hinted(foreignHint, "%w", err)
		}
		return nil, hinted("check the address, and that it can be reached from here", "%w: %w", errPassing, err)
	}
	defer answer.Body.Close()
	switch {
	case answer.StatusCode >= http.StatusInternalServerError:
		return nil, hinted("try again later", "%w: %s answered %d", errPassing, request.URL.Host, answer.StatusCode)
	case answer.StatusCode != http.StatusOK:
		return nil, hinted("check the address", "%s answered %d", request.URL.Host, answer.StatusCode)
	}
	content, err := r.spool.keep(answer.Body)
	if _, ok := errors.AsType[*sizeError](err); err != nil && !ok {
		return nil, fmt.Errorf("%w: %w", errPassing, err)
	}
	return content, err
}
