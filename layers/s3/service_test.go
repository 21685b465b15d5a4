package s3

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/redact"
	"github.com/pack-cache/pack-cache/internal/test/testservers"
	"github.com/pack-cache/pack-cache/layers/objects"
)

func newService(t *testing.T, config Config) *service {
	t.Helper()
	client, err := newClient(config)
	if err != nil {
		t.Fatal(err)
	}
	return &service{client: client, bucket: config.Bucket, maxCopy: maxCopy, copyPart: copyPart}
}

// TestCopy copies objects, onto themselves, too, at once and in parts.
func TestCopy(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		start func(testing.TB) *testservers.S3
		// moves says that an object that is copied onto itself becomes younger.
		moves bool
	}{
		{"MinIO", testservers.NewMinIO, true},
		{"VersityGW", testservers.NewVersityGW, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, configOf(test.start(t), ""))
			content := make([]byte, 11<<20)
			rand.Read(content)
			for _, limit := range []int64{maxCopy, 6 << 20} {
				s.maxCopy, s.copyPart = limit, 5<<20
				if err := s.Put(t.Context(), "a b+c", "application/x-test", content, objects.Condition{}); err != nil {
					t.Fatal(err)
				}
				info, err := s.Head(t.Context(), "a b+c")
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(1100 * time.Millisecond) // times of objects are in seconds
				for _, to := range []string{"d", "a b+c"} {
					if err := s.Copy(t.Context(), "a b+c", to, info); err != nil {
						t.Fatalf("limit %d, to %s: %v", limit, to, err)
					}
					body, after, err := s.Get(t.Context(), to, 0, -1)
					if err != nil {
						t.Fatal(err)
					}
					got, err := io.ReadAll(body)
					body.Close()
					if err != nil || !bytes.Equal(got, content) || after.ContentType != "application/x-test" {
						t.Errorf("limit %d, to %s: %d bytes of %s, %v", limit, to, len(got), after.ContentType, err)
					}
					if moved := after.Modified.After(info.Modified); to != "d" && limit == maxCopy && moved != test.moves {
						t.Errorf("touched: %t, want %t", moved, test.moves)
					}
				}
			}
		})
	}
}

// TestAbort leaves no part of an upload that was given up.
func TestAbort(t *testing.T) {
	t.Parallel()
	server := testservers.NewMinIO(t)
	config := configOf(server, "p/")
	store := newStore(t, config)
	ctx, cancel := context.WithCancel(t.Context())
	content := io.MultiReader(bytes.NewReader(make([]byte, 20<<20)), readerFunc(func([]byte) (int, error) {
		cancel()
		return 0, ctx.Err()
	}))
	_, err := store.Push(ctx, v1.Descriptor{}, func() (io.ReadCloser, error) { return io.NopCloser(content), nil })
	if err != context.Canceled {
		t.Errorf("got %v", err)
	}
	s := newService(t, config)
	uploads, err := s.client.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &s.bucket})
	if err != nil || len(uploads.Uploads) != 0 {
		t.Errorf("left behind: %+v, %v", uploads, err)
	}
	if err := s.List(t.Context(), "", func(key string, _ objects.Info) { t.Errorf("left behind: %s", key) }); err != nil {
		t.Error(err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestAcceptEncoding works through a proxy that changes the header, as Google's
// storage does.
func TestAcceptEncoding(t *testing.T) {
	t.Parallel()
	server := testservers.NewVersityGW(t)
	target, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
		if strings.Contains(r.In.Header.Get("Authorization"), "accept-encoding") {
			r.Out.Header.Set("Accept-Encoding", "gzip, changed")
		}
	}})
	defer proxy.Close()
	for _, without := range []bool{false, true} {
		config := configOf(server, "")
		config.Keys.Endpoint, config.NoAcceptEncoding, config.RetryAttempts = proxy.URL, without, 1
		s := newService(t, config)
		if err := s.Put(t.Context(), "x", "text/plain", []byte("x"), objects.Condition{}); err != nil {
			if without {
				t.Error(err)
			}
			continue
		}
		_, _, err := s.Get(t.Context(), "x", 0, -1)
		if (err == nil) != without {
			t.Errorf("without the header: %t, error %v", without, err)
		}
	}
}

// TestRetries repeats what may go better the next time, as often as wanted, and
// says what it was.
func TestRetries(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"", "standard", "adaptive"} {
		asked := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			asked++
			w.WriteHeader(http.StatusServiceUnavailable)
			io.WriteString(w, `<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>`)
		}))
		defer server.Close()
		store := newStore(t, Config{Bucket: "b", PathStyle: true, RetryMode: mode, RetryAttempts: 2, ManifestsPrefix: "m/",
			Keys: Keys{AccessKeyID: "id", Secret: redact.NewSecret("secret"), Region: "r", Endpoint: server.URL}})
		_, _, err := store.Resolve(t.Context(), "main")
		if err == nil || !strings.Contains(err.Error(), "503 SlowDown: Please reduce your request rate.") || asked != 2 {
			t.Errorf("mode %q: asked %d times, got %v", mode, asked, err)
		}
	}
}

// TestHints says what to do about common mistakes.
func TestHints(t *testing.T) {
	t.Parallel()
	server := testservers.NewMinIO(t)
	answer := func(status int, header http.Header, body string) Config {
		fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for name, values := range header {
				w.Header()[name] = values
			}
			w.WriteHeader(status)
			io.WriteString(w, body)
		}))
		t.Cleanup(fake.Close)
		config := configOf(server, "")
		config.Keys.Endpoint = fake.URL
		return config
	}
	noBucket, noServer, noTLS := configOf(server, ""), configOf(server, ""), configOf(server, "")
	noBucket.Bucket = "never-made"
	noServer.Keys.Endpoint = "http://" + testservers.FreeAddress(t)
	noTLS.Keys.Endpoint = strings.Replace(server.URL, "http:", "https:", 1)
	for name, test := range map[string]struct {
		config     Config
		says, hint string
	}{
		"no bucket":    {noBucket, "404 NoSuchBucket", "create the bucket never-made"},
		"no server":    {noServer, "connection refused", "can be reached from here"},
		"no TLS":       {noTLS, "HTTP response to HTTPS client", "http://"},
		"other region": {answer(http.StatusMovedPermanently, http.Header{"X-Amz-Bucket-Region": {"eu-north-1"}}, `<Error><Code>PermanentRedirect</Code><Message>elsewhere</Message></Error>`), "301 PermanentRedirect", "region=eu-north-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.config.RetryAttempts = 1
			_, _, err := newStore(t, test.config).Resolve(t.Context(), "main")
			if !strings.Contains(err.Error(), test.says) || !strings.Contains(hint.Of(err), test.hint) {
				t.Errorf("got %v", err)
			} else if !strings.Contains(hint.Of(err), test.hint) {
				t.Errorf("hint %q", hint.Of(err))
			}
		})
	}
}
