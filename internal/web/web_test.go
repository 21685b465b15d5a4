package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// server answers requests without a network, so that time can be a fake.
type server func(n int, req *http.Request) (*http.Response, error)

type transport struct {
	server
	mu    sync.Mutex
	count int
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	t.mu.Lock()
	t.count++
	n := t.count
	t.mu.Unlock()
	if req.Body != nil {
		defer req.Body.Close()
	}
	return t.server(n, req)
}

func answer(req *http.Request, status int, header http.Header, body io.Reader) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: header, Body: &ending{req.Context(), body}, Request: req}
}

// ending is a body that ends with its request, as those of net/http do.
type ending struct {
	ctx context.Context
	io.Reader
}

func (e *ending) Close() error { return nil }

func (e *ending) Read(p []byte) (int, error) {
	if e.ctx.Err() != nil {
		return 0, e.ctx.Err()
	}
	if silent, ok := e.Reader.(silence); ok {
		select {
		case <-e.ctx.Done():
			return 0, e.ctx.Err()
		case <-time.After(time.Duration(silent)):
			return 0, io.EOF
		}
	}
	return e.Reader.Read(p)
}

// silence is a body that sends nothing for a while.
type silence time.Duration

func (silence) Read([]byte) (int, error) { panic("read by ending") }

// slow sends that much every second.
type slow struct{ rate, left int }

func (s *slow) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	time.Sleep(time.Second)
	n := min(s.rate, s.left, len(p))
	s.left -= n
	return n, nil
}

func stall(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// get makes a request with a budget, and returns what came of it and how long it
// took.
func get(t *testing.T, b *Budget, s server) (status int, body string, requests int, took time.Duration, err error) {
	t.Helper()
	inner := &transport{server: s}
	ctx := t.Context()
	if b != nil {
		ctx = With(ctx, b)
	}
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://registry.example.com/v2/a/blobs/sha256:0123456789abcdef", nil)
	began := time.Now()
	resp, err := (&Transport{Inner: inner}).RoundTrip(req)
	if err == nil {
		var raw []byte
		raw, err = io.ReadAll(resp.Body)
		status, body = resp.StatusCode, string(raw)
		body += Reason(resp)
		resp.Body.Close()
	}
	return status, body, inner.count, time.Since(began), err
}

// TestWhole tries answers again that break off, if they are short enough to be read
// whole.
func TestWhole(t *testing.T) {
	t.Parallel()
	for whole, want := range map[int64]string{0: "unexpected EOF after 1", 6: "unexpected EOF after 1", 7: "content after 3"} {
		synctest.Test(t, func(t *testing.T) {
			inner := &transport{server: func(n int, r *http.Request) (*http.Response, error) {
				content := io.Reader(strings.NewReader("content"))
				if n < 3 {
					content = io.MultiReader(strings.NewReader("con"), broken{})
				}
				resp := answer(r, 200, nil, content)
				resp.ContentLength = 7
				return resp, nil
			}}
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://registry.example.com/v2/a/manifests/latest", nil)
			resp, err := (&Transport{Inner: inner, Whole: whole}).RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body)
			if err != nil {
				got = []byte(err.Error())
			}
			if came := fmt.Sprintf("%s after %d", got, inner.count); came != want {
				t.Errorf("up to %d bytes: %s, want %s", whole, came, want)
			}
		})
	}
}

// TestRedirects follows no loop, whatever the client does.
func TestRedirects(t *testing.T) {
	t.Parallel()
	inner := &transport{server: func(_ int, r *http.Request) (*http.Response, error) {
		return answer(r, http.StatusTemporaryRedirect, http.Header{"Location": {r.URL.Path + "/again"}}, strings.NewReader("")), nil
	}}
	client := &http.Client{Transport: &Transport{Inner: inner}, CheckRedirect: func(_ *http.Request, via []*http.Request) error {
		if len(via) > 100 {
			return errors.New("it goes on")
		}
		return nil
	}}
	_, err := client.Post("http://registry.example.com/v2/a/blobs/uploads/", "", strings.NewReader("content"))
	if err == nil || !strings.Contains(err.Error(), "redirected more than 10 times") || inner.count != maxRedirects+1 {
		t.Errorf("%d requests, error %v", inner.count, err)
	}
}

// broken is a body that breaks off.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestRule(t *testing.T) {
	t.Parallel()
	ok := func(req *http.Request) (*http.Response, error) {
		return answer(req, 200, nil, strings.NewReader("content")), nil
	}
	for _, test := range []struct {
		name     string
		server   server
		status   int
		requests int
		// atLeast and atMost bound the time.
		atLeast, atMost time.Duration
		says            string
	}{
		{"at once", func(_ int, r *http.Request) (*http.Response, error) { return ok(r) }, 200, 1, 0, 0, ""},
		{"503 twice", func(n int, r *http.Request) (*http.Response, error) {
			if n < 3 {
				return answer(r, 503, nil, strings.NewReader("")), nil
			}
			return ok(r)
		}, 200, 3, 300 * time.Millisecond, 2 * time.Second, ""},
		{"503 always", func(_ int, r *http.Request) (*http.Response, error) {
			return answer(r, 503, nil, strings.NewReader("")), nil
		}, 503, 5, time.Second, 6 * time.Second, "tried 5 times"},
		{"404", func(_ int, r *http.Request) (*http.Response, error) {
			return answer(r, 404, nil, strings.NewReader("")), nil
		}, 404, 1, 0, 0, ""},
		{"reset once", func(n int, r *http.Request) (*http.Response, error) {
			if n == 1 {
				return nil, syscall.ECONNRESET
			}
			return ok(r)
		}, 200, 2, 100 * time.Millisecond, time.Second, ""},
		{"nobody there", func(int, *http.Request) (*http.Response, error) { return nil, syscall.ECONNREFUSED }, 0, 1, 0, 0, "connection refused"},
		{"Retry-After that fits", func(n int, r *http.Request) (*http.Response, error) {
			if n == 1 {
				return answer(r, 429, http.Header{"Retry-After": {"3"}}, strings.NewReader("")), nil
			}
			return ok(r)
		}, 200, 2, 3 * time.Second, 4 * time.Second, ""},
		{"Retry-After that does not", func(n int, r *http.Request) (*http.Response, error) {
			return answer(r, 429, http.Header{"Retry-After": {"600"}}, strings.NewReader("")), nil
		}, 429, 1, 0, 0, "it asks for a pause of 10m0s"},
		{"stalls once", func(n int, r *http.Request) (*http.Response, error) {
			if n == 1 {
				return stall(r)
			}
			return ok(r)
		}, 200, 2, 8 * time.Second, 10 * time.Second, ""},
		{"stalls always", func(_ int, r *http.Request) (*http.Response, error) { return stall(r) }, 0, 2, 10 * time.Second, 12 * time.Second, "no data from registry.example.com: blob sha256:0123456789ab"},
		{"body stalls", func(_ int, r *http.Request) (*http.Response, error) {
			return answer(r, 200, nil, silence(time.Hour)), nil
		}, 0, 1, 8 * time.Second, 9 * time.Second, "no data"},
		{"slow body", func(_ int, r *http.Request) (*http.Response, error) {
			return answer(r, 200, nil, &slow{rate: 1000, left: 3_600_000}), nil
		}, 200, 1, time.Hour, 61 * time.Minute, ""},
		{"body of drops", func(_ int, r *http.Request) (*http.Response, error) {
			return answer(r, 200, nil, &slow{rate: 1, left: 1000}), nil
		}, 0, 1, 8 * time.Second, 10 * time.Second, "no data"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				status, body, requests, took, err := get(t, NewBudget(Rule{}, "", nil), test.server)
				if err != nil {
					status = 0
					body = err.Error()
				}
				if status != test.status || requests != test.requests || took < test.atLeast || took > test.atMost+test.atLeast/10 {
					t.Errorf("status %d, %d requests in %s, %v", status, requests, took, err)
				}
				if !strings.Contains(body, test.says) {
					t.Errorf("it says %q, want %q", body, test.says)
				}
			})
		})
	}
}

// TestSharedBudget has many requests stall at the same time, and one after the
// other: together they wait no longer than one may.
func TestSharedBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var lines []string
		b := NewBudget(Rule{}, "cache c", func(line string) { lines = append(lines, line) })
		ctx, stop := Begin(t.Context(), b)
		defer stop()
		began := time.Now()
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 8 {
					if _, _, _, _, err := get(t, b, func(_ int, r *http.Request) (*http.Response, error) { return stall(r) }); !errors.Is(err, ErrGaveUp) {
						t.Errorf("got %v", err)
					}
				}
			})
		}
		all.Wait()
		if took := time.Since(began); took < 8*time.Second || took > 12*time.Second {
			t.Errorf("it took %s", took)
		}
		synctest.Wait()
		if !errors.Is(context.Cause(ctx), ErrGaveUp) || !errors.Is(b.Err(), ErrGaveUp) {
			t.Errorf("the context ends with %v", context.Cause(ctx))
		}
		if text := strings.Join(lines, "\n"); !strings.Contains(text, "cache c: still waiting for registry.example.com: blob sha256:0123456789ab") {
			t.Errorf("it said: %s", text)
		}
	})
}

// TestFewFailuresLast has a transfer of an hour survive a failure every minute.
func TestFewFailuresLast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(Rule{}, "", nil)
		for range 60 {
			time.Sleep(time.Minute)
			if _, _, _, _, err := get(t, b, func(n int, r *http.Request) (*http.Response, error) {
				if n < 3 {
					return nil, io.ErrUnexpectedEOF
				}
				return answer(r, 200, nil, strings.NewReader("")), nil
			}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestUpload sends a body to a server that stops taking it, and one from a source
// that is slow, which is not the server's fault.
func TestUpload(t *testing.T) {
	t.Parallel()
	send := func(t *testing.T, source io.Reader, s server) (time.Duration, error) {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPatch, "http://registry.example.com/v2/a/blobs/uploads/1", source)
		req.GetBody = nil
		began := time.Now()
		resp, err := (&Transport{Inner: &transport{server: s}}).RoundTrip(req)
		if err == nil {
			resp.Body.Close()
		}
		return time.Since(began), err
	}
	synctest.Test(t, func(t *testing.T) {
		took, err := send(t, &slow{rate: 1, left: 600}, func(_ int, r *http.Request) (*http.Response, error) {
			io.Copy(io.Discard, r.Body)
			return answer(r, 202, nil, strings.NewReader("")), nil
		})
		if err != nil || took < 10*time.Minute {
			t.Errorf("slow source: %s, %v", took, err)
		}
		took, err = send(t, bytes.NewReader(make([]byte, 1<<20)), func(_ int, r *http.Request) (*http.Response, error) {
			io.CopyN(io.Discard, r.Body, 1000)
			return stall(r)
		})
		if stalled := (*Stalled)(nil); !errors.As(err, &stalled) || took > 10*time.Second {
			t.Errorf("stalled server: %s, %v", took, err)
		}
		// The end of a large upload may take the server long.
		req, _ := http.NewRequestWithContext(WithWork(t.Context(), 10<<30), http.MethodPut, "http://registry.example.com/", nil)
		resp, err := (&Transport{Inner: &transport{server: func(_ int, r *http.Request) (*http.Response, error) {
			time.Sleep(time.Minute)
			return answer(r, 201, nil, strings.NewReader("")), r.Context().Err()
		}}}).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	})
}

// TestBodyIsSentAgain repeats a request with a body that can be read again.
func TestBodyIsSentAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []string
		inner := &transport{server: func(n int, r *http.Request) (*http.Response, error) {
			raw, _ := io.ReadAll(r.Body)
			got = append(got, string(raw))
			if n == 1 {
				return answer(r, 500, nil, strings.NewReader("")), nil
			}
			return answer(r, 201, nil, strings.NewReader("")), nil
		}}
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://registry.example.com/", strings.NewReader("content"))
		resp, err := (&Transport{Inner: inner}).RoundTrip(req)
		if err != nil || resp.StatusCode != 201 || strings.Join(got, " ") != "content content" {
			t.Fatalf("%v, %v, sent %q", resp, err, got)
		}
		resp.Body.Close()
	})
}

// TestReader reads through connections that break.
func TestReader(t *testing.T) {
	t.Parallel()
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // 1 MiB
	for _, test := range []struct {
		name  string
		piece int // of one connection
		opens int // at most
		fails bool
	}{
		{"whole", len(content), 1, false},
		{"in halves", len(content) / 2, 2, false},
		{"64 KiB each", 64 << 10, 16, false},
		{"100 bytes each", 100, 5, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				opens := 0
				r := NewReader(t.Context(), 0, int64(len(content)), func(offset int64) (io.ReadCloser, error) {
					opens++
					rest := content[offset:]
					return io.NopCloser(bytes.NewReader(rest[:min(test.piece, len(rest))])), nil
				})
				defer r.Close()
				got, err := io.ReadAll(r)
				if opens > test.opens || errors.Is(err, ErrGaveUp) != test.fails || !test.fails && !bytes.Equal(got, content) {
					t.Errorf("%d bytes of %d connections: %v", len(got), opens, err)
				}
			})
		})
	}
}

// TestDo repeats what a caller wants repeated.
func TestDo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bad := errors.New("bad")
		n := 0
		err := Rule{}.Do(t.Context(), func() (bool, error) {
			if n++; n < 3 {
				return true, bad
			}
			return false, nil
		})
		if err != nil || n != 3 {
			t.Errorf("%d times, %v", n, err)
		}
		n = 0
		err = Rule{Attempts: 2}.Do(t.Context(), func() (bool, error) { n++; return true, bad })
		if !errors.Is(err, bad) || !errors.Is(err, ErrGaveUp) || n != 2 {
			t.Errorf("%d times, %v", n, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := (Rule{}).Do(ctx, func() (bool, error) { return true, bad }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}
