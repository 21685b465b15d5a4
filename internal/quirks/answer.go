package quirks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/pack-cache/pack-cache/internal/reach"
)

// AnswerError says that a registry gave an answer that no registry gives.
type AnswerError struct {
	// Host is the registry, with its port.
	Host string
	// Status is that of the answer.
	Status int
	// Reason says what was wrong with it, without a URL and without a secret.
	Reason string
}

// Error implements error.
func (e *AnswerError) Error() string {
	return fmt.Sprintf("%s answered %d, but %s", e.Host, e.Status, e.Reason)
}

// Hint says what to do about it.
func (e *AnswerError) Hint() string {
	return reach.Odd(e.Host)
}

// maxWords is how much of an error's body is read.
const maxWords = 64 << 10

// codes are the codes of the errors in an answer (distribution specification,
// "Error codes"). ok is false if the body is something else.
func codes(body []byte) (all []string, ok bool) {
	var said struct {
		Errors []struct{ Code string }
	}
	if json.Unmarshal(body, &said) != nil || len(said.Errors) == 0 {
		return nil, false
	}
	for _, one := range said.Errors {
		all = append(all, one.Code)
	}
	return all, true
}

// absence turns an answer that says in its own way that something is not there
// into 404 with the specification's code. Every other answer stays.
func absence(resp *http.Response, code string) (*http.Response, error) {
	switch status := resp.StatusCode; {
	case status < 400 || status >= 500:
		return resp, nil
	case status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout:
		return resp, nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxWords))
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	said, known := codes(body)
	missing := resp.StatusCode == http.StatusNotFound && !known
	for _, one := range said {
		if one == "MANIFEST_UNKNOWN" || one == "NAME_UNKNOWN" || one == "BLOB_UNKNOWN" {
			missing = resp.StatusCode != http.StatusNotFound
		}
	}
	if missing {
		setStatus(resp, http.StatusNotFound)
		if !known {
			body = fmt.Appendf(nil, `{"errors":[{"code":%q,"message":"the registry does not say more"}]}`, code)
			resp.Header.Set("Content-Type", "application/json")
		}
	}
	setBody(resp, body)
	return resp, nil
}

func setStatus(resp *http.Response, status int) {
	resp.StatusCode, resp.Status = status, fmt.Sprintf("%d %s", status, http.StatusText(status))
}

func setBody(resp *http.Response, body []byte) {
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp.TransferEncoding, resp.Uncompressed = nil, false
	resp.Header.Set("Content-Length", strconv.Itoa(len(body)))
	resp.Header.Del("Content-Encoding")
}

// page says whether an answer is a web page.
func page(contentType string, body []byte) bool {
	return strings.HasPrefix(strings.ToLower(strings.TrimSpace(contentType)), "text/html") || bytes.HasPrefix(bytes.TrimSpace(body), []byte("<"))
}
