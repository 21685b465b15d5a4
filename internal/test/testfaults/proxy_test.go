package testfaults

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pack-cache/pack-cache/internal/test/testweb"
)

// TestFaults has every fault do what it says, to a server that counts what it
// carries out.
func TestFaults(t *testing.T) {
	t.Parallel()
	var done atomic.Int64
	content := bytes.Repeat([]byte("0123456789"), 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		done.Add(1)
		w.Header().Set("Sent", string(sent))
		w.Write(content)
	}))
	defer server.Close()
	const size = 1000
	flipped := func(got []byte) bool {
		return len(got) == size && got[4] == '4'^1 && bytes.Equal(got[:4], content[:4]) && bytes.Equal(got[5:], content[5:])
	}
	for _, test := range []struct {
		name   string
		rule   Rule
		done   int64
		status int
		size   int
		broken error
		check  func(*http.Response, []byte) bool
	}{
		{name: "none", rule: Rule{Method: http.MethodGet}, done: 1, status: 200, size: size},
		{name: "status", rule: Rule{Status: 503, Header: http.Header{"Retry-After": {"7"}}, Body: "later"}, status: 503, size: 5,
			check: func(r *http.Response, _ []byte) bool { return r.Header.Get("Retry-After") == "7" }},
		{name: "drop", rule: Rule{Drop: true}, broken: io.EOF},
		{name: "reset", rule: Rule{Reset: true}, broken: syscall.ECONNRESET},
		{name: "lost answer", rule: Rule{Lose: true}, done: 1, broken: io.EOF},
		{name: "lost answer with a status", rule: Rule{Lose: true, Status: 502, Body: "bad"}, done: 1, status: 502, size: 3},
		{name: "cut", rule: Rule{CutResponse: 100}, done: 1, status: 200, size: 100, broken: io.ErrUnexpectedEOF},
		{name: "shorter", rule: Rule{Response: Harm{Shorter: 10}}, done: 1, status: 200, size: size - 10},
		{name: "flip", rule: Rule{Response: Harm{Flip: 5}}, done: 1, status: 200, size: size, check: func(_ *http.Response, got []byte) bool { return flipped(got) }},
		{name: "flip in the request", rule: Rule{Request: Harm{Flip: 2}}, done: 1, status: 200, size: size,
			check: func(r *http.Response, _ []byte) bool { return r.Header.Get("Sent") == "bndy" }},
		{name: "stall", rule: Rule{Response: Harm{Stall: 100}}, done: 1, status: 200, size: 100, broken: context.DeadlineExceeded},
		{name: "no answer", rule: Rule{Delay: time.Hour}, broken: context.DeadlineExceeded},
		{name: "request cut", rule: Rule{CutRequest: 2}, broken: io.EOF},
		{name: "edit", rule: Rule{Edit: func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(strings.NewReader("x")), 1 }}, done: 1, status: 200, size: size,
			check: func(r *http.Response, _ []byte) bool { return r.Header.Get("Sent") == "x" }},
		{name: "another path", rule: Rule{Path: regexp.MustCompile("^/other"), Drop: true}, done: 1, status: 200, size: size},
		{name: "used up", rule: Rule{Times: 1, Skip: 1, Drop: true}, done: 1, status: 200, size: size},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := New(t, server.URL, test.rule)
			before := done.Load()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			if errors.Is(test.broken, context.DeadlineExceeded) {
				cancel()
				ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
			}
			defer cancel()
			req, _ := http.NewRequestWithContext(ctx, http.MethodPut, p.URL+"/there", strings.NewReader("body"))
			resp, err := new(http.Transport).RoundTrip(req)
			status, got := 0, []byte(nil)
			if err == nil {
				defer resp.Body.Close()
				status = resp.StatusCode
				got, err = io.ReadAll(resp.Body)
			}
			if status != test.status || len(got) != test.size || !errors.Is(err, test.broken) {
				t.Errorf("status %d, %d bytes, error %v; want %d, %d, %v", status, len(got), err, test.status, test.size, test.broken)
			}
			if test.check != nil && !test.check(resp, got) {
				t.Errorf("the answer is not what it should be: %v", resp.Header)
			}
			if n := done.Load() - before; n != test.done {
				t.Errorf("the server carried out %d requests, want %d", n, test.done)
			}
			hit := test.rule.selects(http.MethodPut, "/there", "") && test.rule.Skip == 0
			if len(p.Hit()) == 1 != hit || len(p.Requests("", "^/there$")) != 1 {
				t.Errorf("hit %v of %v", p.Hit(), p.Requests("", ""))
			}
		})
	}
}

// TestTimes lets a fault happen to some requests of many.
func TestTimes(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	p := New(t, server.URL, Rule{Path: regexp.MustCompile("a"), Skip: 1, Times: 2, Status: 503}, Rule{Path: regexp.MustCompile("b"), Status: 502})
	var got []int
	for _, path := range []string{"/a", "/b", "/a", "/a", "/a", "/b"} {
		resp, err := testweb.Client(t).Get(p.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		got = append(got, resp.StatusCode)
	}
	for i, want := range []int{404, 502, 503, 503, 404, 502} {
		if got[i] != want {
			t.Errorf("statuses %v", got)
			break
		}
	}
}

// TestSlow passes a body at a rate.
func TestSlow(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 100)) }))
	defer server.Close()
	p := New(t, server.URL, Rule{Response: Harm{Rate: 200}})
	began := time.Now()
	resp, err := testweb.Client(t).Get(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if took := time.Since(began); err != nil || len(got) != 100 || took < 400*time.Millisecond {
		t.Errorf("%d bytes in %s, error %v", len(got), took, err)
	}
}
