package redact_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/redact"
)

func TestString(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"nothing", "no such host: registry.example.com", "no such host: registry.example.com"},
		{"empty", "", ""},
		{"userinfo", "Get https://bob:hunter2@registry.example.com/v2/: EOF", "Get https://[redacted]@registry.example.com/v2/: EOF"},
		{"userinfo with an at sign", "https://bob:hunt@r2@registry.example.com/v2/", "https://[redacted]@registry.example.com/v2/"},
		{"a digest is no userinfo", "https://registry.example.com/v2/app@sha256:abc", "https://registry.example.com/v2/app@sha256:abc"},
		{"S3", "https://b.example.com/k?X-Amz-Credential=AKIA%2Fus&X-Amz-Signature=0a1b&X-Amz-Date=2026", "https://b.example.com/k?X-Amz-Credential=[redacted]&X-Amz-Signature=[redacted]&X-Amz-Date=2026"},
		{"Azure", `"https://a.example.net/c/b?sv=2024&sig=Zm9v%3D"`, `"https://a.example.net/c/b?sv=2024&sig=[redacted]"`},
		{"token in a query", "?service=x&access_token=abc&scope=y", "?service=x&access_token=[redacted]&scope=y"},
		{"header", "Authorization: Basic Ym9iOmh1bnRlcjI=\r\nHost: x", "Authorization: [redacted]\r\nHost: x"},
		{"printed http.Header", "map[Authorization:[Bearer abc.def] Host:[x]]", "map[Authorization:[[redacted]] Host:[x]]"},
		{"JSON header", `{"Authorization":"Bearer abc.def"}`, `{"Authorization":"[redacted]"}`},
		{"scheme", "sent Basic Ym9iOmh1bnRlcjI= to x", "sent Basic [redacted] to x"},
		{"bearer", "bearer eyJhbGciOi.eyJ0.c2ln rejected", "bearer [redacted] rejected"},
		{"identity", "X-Identity a1b2c3d4", "X-Identity [redacted]"},
		{"prose", "basic authentication failed, Bearer token expected", "basic authentication failed, Bearer token expected"},
		{"challenge", `Bearer realm="https://auth.example.com/token",service="x"`, `Bearer realm="https://auth.example.com/token",service="x"`},
		{"JSON member", `{"token":"a\"b","expires_in":60,"refresh_token": "c"}`, `{"token":"[redacted]","expires_in":60,"refresh_token": "[redacted]"}`},
		{"auth member", `{"auths":{"r":{"auth":"Ym9iOng="}}}`, `{"auths":{"r":{"auth":"[redacted]"}}}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := redact.String(test.in)
			if got != test.want {
				t.Errorf("String(%q)\n got %q\nwant %q", test.in, got, test.want)
			}
			if again := redact.String(got); again != got {
				t.Errorf("a second time: %q", again)
			}
		})
	}
}

func TestRedactor(t *testing.T) {
	t.Parallel()
	r := redact.New("hunter2", "hunter2-and-more", "short", "")
	got := r.String("hunter2, hunter2-and-more, short")
	if want := "[redacted], [redacted], short"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		if printed := fmt.Sprintf(verb, r); strings.Contains(printed, "hunter2") {
			t.Errorf("%s shows the secret: %s", verb, printed)
		}
	}
	if got := (redact.Redactor{}).String("hunter2"); got != "hunter2" {
		t.Errorf("the zero value changed the text to %q", got)
	}
}

func TestWriterPassesOnWhatIsNoSecret(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w := redact.New("hunter2").Writer(&out)
	fmt.Fprint(w, "password: hun")
	if got := out.String(); got != "password: " {
		t.Errorf("before the secret is complete: %q", got)
	}
	fmt.Fprint(w, "gry\n")
	if got := out.String(); got != "password: hungry\n" {
		t.Errorf("after it turned out to be none: %q", got)
	}
	fmt.Fprint(w, "hunter")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != "password: hungry\nhunter" {
		t.Errorf("after Close: %q", got)
	}
}

func FuzzString(f *testing.F) {
	f.Add("Authorization: Basic Ym9iOg==")
	f.Add("https://a:b@c/?sig=x&token=y")
	f.Add(`{"token":"x"} Bearer abc1`)
	f.Add(`0"token":"`)
	f.Fuzz(func(t *testing.T, s string) {
		once := redact.String(s)
		if twice := redact.String(once); twice != once {
			t.Errorf("not stable:\n in %q\n 1× %q\n 2× %q", s, once, twice)
		}
		for _, secret := range []string{"Zm9vOmJhcjE9", "s3cr3t-T0ken"} {
			for _, form := range []string{"https://x:%s@h/", "h/?sig=%s", "Bearer %s", "Authorization: Basic %s", `{"password":"%s"}`} {
				text := s + "\n" + fmt.Sprintf(form, secret)
				if strings.Contains(s, secret) {
					continue
				}
				if got := redact.String(text); strings.Contains(got, secret) {
					t.Errorf("%s survived in %q", secret, got)
				}
			}
		}
	})
}

func FuzzWriter(f *testing.F) {
	f.Add("a hunter2-and-more b hunter2 c", "hunter2", "hunter2-and-more", 3)
	f.Add("hunterhunter2hunt", "hunter2", "huntsman", 1)
	f.Fuzz(func(t *testing.T, text, a, b string, size int) {
		if size < 1 || len(text) > 1<<12 {
			return
		}
		r := redact.New(a, b)
		whole, pieces := &bytes.Buffer{}, &bytes.Buffer{}
		w := r.Writer(whole)
		fmt.Fprint(w, text)
		w.Close()
		w = r.Writer(pieces)
		for rest := []byte(text); len(rest) > 0; {
			n := min(size, len(rest))
			w.Write(rest[:n])
			rest = rest[n:]
		}
		w.Close()
		if whole.String() != pieces.String() {
			t.Errorf("in one write %q, in pieces of %d %q", whole, size, pieces)
		}
		if !strings.Contains(text, a) && !strings.Contains(text, b) && whole.String() != text {
			t.Errorf("changed %q to %q", text, whole)
		}
		for _, secret := range []string{a, b} {
			if len(secret) >= 6 && strings.Contains(whole.String(), secret) && !strings.Contains("[redacted]", secret) && !overlaps(a, b) {
				t.Errorf("%q survived in %q", secret, whole)
			}
		}
	})
}

// overlaps says whether replacing one secret can create or cut another, with
// or without the mark in between.
func overlaps(a, b string) bool {
	return strings.ContainsAny(a+b, redact.Mark) || strings.ContainsAny(a, b)
}
