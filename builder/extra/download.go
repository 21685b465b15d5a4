package extra

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/pack-cache/pack-cache/builder"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/reach"
	"github.com/pack-cache/pack-cache/internal/web"
)

// download adds the buildpack in an archive on the web.
func (r *resolver) download(ctx context.Context, at location) (builder.Ref, error) {
	address := at.at
	r.progress.Info("Downloading buildpack " + shown(address))
	var content *io.SectionReader
	err := web.Rule{Attempts: 3}.Do(ctx, func() (again bool, err error) {
		content, err = r.get(ctx, at)
		return errors.Is(err, errBroken) && web.Transient(err), err
	})
	if err != nil {
		return builder.Ref{}, err
	}
	return r.archive(ctx, content)
}

// errBroken marks a download that broke off. What gets no answer, or one that may
// be another one the next time, the transport repeats.
var errBroken = errors.New("download failed")

// downloads carries the requests for archives on the web.
var downloads = &web.Transport{Inner: web.NewTransport(), Rule: web.Patient()}

func (r *resolver) get(ctx context.Context, at location) (*io.SectionReader, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.at, nil)
	if err != nil {
		return nil, errors.New("the address cannot be read") // the error may quote a password
	}
	host := request.URL.Host
	server := reach.Server{Name: host, Host: host, Plain: "write its address with http://"}
	client := http.Client{Transport: downloads, CheckRedirect: func(to *http.Request, via []*http.Request) error {
		if via[0].URL.Scheme == "https" && to.URL.Scheme != "https" {
			return hint.Errorf("check the address", "it redirects from https to %s", to.URL.Scheme)
		}
		if len(via) >= 10 {
			return hint.Errorf("check the address", "it redirects too often")
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
		client.Transport = &web.Transport{Inner: foreignTransport(), Rule: web.Patient()}
	}
	answer, err := client.Do(request)
	if err != nil {
		// The error would show the whole address.
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err
		}
		if errors.Is(err, errForeign) {
			return nil, hint.With(foreignHint, err)
		}
		return nil, hint.Errorf(cmp.Or(hint.Of(err), server.Silent(err)), "download failed: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, hint.Errorf(cmp.Or(server.Answered(answer.StatusCode), "check the address"), "%s answered %d", host, answer.StatusCode)
	}
	content, err := r.spool.keep(answer.Body)
	if _, ok := errors.AsType[*sizeError](err); err != nil && !ok {
		return nil, fmt.Errorf("%w: %w", errBroken, err)
	}
	return content, err
}
