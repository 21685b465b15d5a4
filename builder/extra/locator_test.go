package extra

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/builder"
	"github.com/pack-cache/pack-cache/internal/hint"
)

func TestLocate(t *testing.T) {
	t.Parallel()
	dir := writeFiles(t, map[string]string{"bp/buildpack.toml": "", "acme/v/x": "", "bp.tgz": "", "java": ""})
	at := func(name string) string { return filepath.Join(dir, name) }
	r, err := newResolver(fakeBuilder(t, nil), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		locator string
		want    location
	}{
		{"from=builder", location{kind: wholeBuilder}},
		{"acme/b", location{kind: inBuilder, ref: builder.Ref{ID: "acme/b", Version: "1.2"}}},
		{"acme/v@2", location{kind: inBuilder, ref: builder.Ref{ID: "acme/v", Version: "2"}}},
		{"bp", location{kind: localPath, at: at("bp")}},
		{"./bp/", location{kind: localPath, at: at("bp")}},
		{"bp.tgz", location{kind: localPath, at: at("bp.tgz")}},
		{"java", location{kind: localPath, at: at("java")}},
		{"acme/v", location{kind: localPath, at: at("acme/v")}}, // a path comes first, as in pack
		{at("bp"), location{kind: localPath, at: at("bp")}},
		{"file://" + at("bp"), location{kind: localPath, at: at("bp")}},
		{"file:" + at("bp.tgz"), location{kind: localPath, at: at("bp.tgz")}},
		{"docker://registry.example.com/x", location{kind: imageRef, at: "registry.example.com/x"}},
		{"docker:/acme/x:1", location{kind: imageRef, at: "acme/x:1"}},
		{"docker:///acme/x", location{kind: imageRef, at: "acme/x"}},
		{"registry.example.com/x", location{kind: imageRef, at: "registry.example.com/x", bare: true}},
		{"localhost:5000/x", location{kind: imageRef, at: "localhost:5000/x", bare: true}},
		{"acme/x:1", location{kind: imageRef, at: "acme/x:1", bare: true}},
		{"acme/x@sha256:aa", location{kind: imageRef, at: "acme/x@sha256:aa", bare: true}},
		{"ruby", location{kind: imageRef, at: "ruby", bare: true}},
		{"https://example.com/x.tgz?y", location{kind: webAddress, at: "https://example.com/x.tgz?y"}},
		{"HTTP://example.com/x", location{kind: webAddress, at: "HTTP://example.com/x"}},
	} {
		t.Run(test.locator, func(t *testing.T) {
			t.Parallel()
			got, err := r.locate(Source{Locator: test.locator, Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(location{})); diff != "" {
				t.Errorf("location (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLocateRefuses(t *testing.T) {
	t.Parallel()
	r, err := newResolver(fakeBuilder(t, nil), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ locator, want, hint string }{
		{"", "the name is empty", "name a buildpack"},
		{"urn:cnb:registry:acme/java", "the buildpack registry is not supported", "docker://"},
		{"acme/java", "the buildpack registry is not supported", "docker://"},
		{"acme/java@1.2.3", "the buildpack registry is not supported", "docker://"},
		{"from=builder:acme/java", "the builder has no buildpack acme/java", "acme/a@1, acme/b@1.2"},
		{"urn:cnb:builder:acme/a@7", "the builder has no version 7 of acme/a, but 1", "acme/a@1"},
		{"acme/a@7", "the builder has no version 7 of acme/a, but 1", "acme/a@1"},
		{"acme/v", "several versions of acme/v: 1, 2", "acme/v@1"},
		{"./nowhere", "no such file or directory", "check the path"},
		{"/nowhere", "no such file or directory", "check the path"},
		{"nowhere.tgz", "no such file or directory", "check the path"},
		{"nowhere/", "no such file or directory", "check the path"},
		{"file:///nowhere", "no such file or directory", "check the path"},
		{"file://elsewhere/x", "not a path on this machine", "file:///"},
		{"s3://bucket/x", "s3:// is not supported", "https://"},
	} {
		t.Run(test.locator, func(t *testing.T) {
			t.Parallel()
			_, err := r.locate(Source{Locator: test.locator, Dir: t.TempDir()})
			wantError(t, err, test.want)
			failed, ok := errors.AsType[*Error](err)
			if !ok || !failed.Misnamed || !strings.Contains(hint.Of(err), test.hint) {
				t.Errorf("error is %#v, want a misnamed one with the hint %q", err, test.hint)
			}
		})
	}
}

func TestShown(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ locator, want string }{
		{"https://bob:hunter2@example.com/x.tgz?X-Amz-Signature=abc#y", "https://example.com/x.tgz"},
		{"http://example.com/%2fx", "http://example.com/%2fx"},
		{"docker://bob:hunter2@example.com/x", "docker://[redacted]@example.com/x"},
		{"./dir", "./dir"},
	} {
		if got := shown(test.locator); got != test.want {
			t.Errorf("shown(%q) = %q, want %q", test.locator, got, test.want)
		}
	}
}
