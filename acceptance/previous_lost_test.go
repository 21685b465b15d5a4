package acceptance

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestPreviousLost builds on a previous image of which a layer is lost, and on one that
// another build moves while this one runs.
func TestPreviousLost(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	proxy := testregistry.NewFaults(t, reg.Registry)
	app := newApp(t, nil, nil)
	build := func(tag string) (string, outcome) {
		result, out := newMachine(t).build(proxy.Addr+"/app:"+tag, "--path", app.dir, "--builder", builder, "--trust-builder", "--publish")
		return result.Image, out
	}
	first, _ := build("one")

	// The first question about a blob is that of analyze.
	proxy.Set(testregistry.Rule{Method: http.MethodHead, Path: regexp.MustCompile("^/v2/app/blobs/"), Status: http.StatusNotFound, Times: 1})
	again, out := build("one")
	out.wantStderr(t, "because it was corrupt", "flags: only-launch: new")
	if len(proxy.Hit()) != 1 || again != first {
		t.Errorf("%d questions were answered wrongly; the image is %s, and was %s", len(proxy.Hit()), again, first)
	}

	// The image is what it was, and its name is not: the first look at it moves it.
	app.write("hello.txt", "other\n")
	other, _ := build("two")
	app.write("hello.txt", "hello\n")
	proxy.Set(testregistry.Rule{Method: http.MethodHead, Path: regexp.MustCompile("^/v2/app/manifests/one$"), Times: 1,
		Edit: func(r *http.Request) { r.URL.Path = "/v2/app/manifests/two" }})
	proxy.Reset()
	if moved, _ := build("one"); moved != first || other == first {
		t.Errorf("the image is %s, and was %s", moved, first)
	}
	if puts := proxy.Requests(http.MethodPut, "^/v2/app/manifests/one$"); len(puts) != 1 {
		t.Errorf("the name was written %d times", len(puts))
	}
}
