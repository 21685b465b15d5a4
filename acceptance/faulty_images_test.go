package acceptance

import (
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// imageRow is a row of the table of faults before the registries of a build's
// images.
type imageRow struct {
	// of is the builder, the run image or the app.
	of   string
	at   requests
	kind faultKind
}

func (r imageRow) name() string {
	return strings.ReplaceAll(strings.Join([]string{r.of, r.at.name, r.kind.name}, "/"), " ", "_")
}

// imageRequests are the kinds of requests for a builder, and for an app image and
// its run image.
var imageRequests = map[string][]requests{
	"builder": {
		{name: "manifest", method: http.MethodGet, path: `/samples/tiny-builder/manifests/`},
		{name: "config", method: http.MethodGet, path: `/samples/tiny-builder/blobs/`},
		{name: "layer", method: http.MethodGet, path: `/samples/tiny-builder/blobs/`, skip: 1},
	},
	"run image": {
		{name: "manifest", method: http.MethodGet, path: `/samples/tiny-run/manifests/`},
		{name: "config", method: http.MethodGet, path: `/samples/tiny-run/blobs/`},
	},
	"app": {
		{name: "upload opened", method: http.MethodPost, path: `/app/blobs/uploads/`},
		{name: "upload", method: http.MethodPatch, path: `/app/blobs/uploads/`},
		{name: "upload closed", method: http.MethodPut, path: `/app/blobs/uploads/`},
		{name: "manifest", method: http.MethodPut, path: `/app/manifests/`},
	},
}

// runImageChoice are the faults of run images in the usual table.
var runImageChoice = []string{"503 twice", "answer lost once", "no answer once", "cut once", "503", "403", "dropped", "flipped"}

// TestFaultsOfImages has the registries of builder, run image and app fail: what passes is
// repeated, what lasts fails the build with the reason, and the app image is the
// old one.
func TestFaultsOfImages(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	reg.tiny(t, nil)
	unpacked := openDir(t)
	old := newApp(t, nil, nil)
	args := func(app, builder string, source string) []string {
		return []string{"build", app, "--builder", builder + "/samples/tiny-builder", "--path", source, "--publish", "--trust-builder"}
	}
	newMachine(t, "XDG_CACHE_HOME="+unpacked).run(args(reg.ref("app"), reg.Addr, old.dir)...).wantCode(t, 0)
	all := os.Getenv("PACK_CACHE_FAULTS") == "all"
	var rows []imageRow
	for of, side := range map[string]reach{"builder": reads, "run image": reads, "app": writes} {
		for i, kind := range faultsOf(side) {
			for j, at := range imageRequests[of] {
				if of == "run image" && !all {
					if j == i%2 && slices.Contains(runImageChoice, kind.name) {
						rows = append(rows, imageRow{of, at, kind})
					}
					continue
				}
				if all || kind.name == "cut once" || i%2 == 0 && i/2%len(imageRequests[of]) == j {
					rows = append(rows, imageRow{of, at, kind})
				}
			}
		}
	}
	before := reg.digest(t, reg.ref("app"))
	runRows(t, rows, func(r imageRow) bool { return r.kind.waits() }, func(t *testing.T, r imageRow) {
		proxy := testregistry.NewFaults(t, reg.Registry)
		rule := r.kind.rule
		rule.Method, rule.Path, rule.Skip = r.at.method, (&faulty{}).path(r.at.path), r.at.skip
		proxy.Set(rule)
		app := newApp(t, nil, map[string]string{"new": strconv.FormatInt(rowNumber.Add(1), 10)})
		m := newMachine(t)
		given := args(proxy.Addr+"/app", reg.Addr, app.dir)
		switch r.of {
		case "app":
			m.env = append(m.env, "XDG_CACHE_HOME="+unpacked)
			// Each row has an app of its own, which is there already.
			name := "row" + strconv.FormatInt(rowNumber.Add(1), 10)
			reg.pushImage(t, reg.ref(name+"/app"), reg.image(t, reg.ref("app")))
			given[1] = proxy.Addr + "/" + name + "/app"
		case "run image":
			m.env = append(m.env, "XDG_CACHE_HOME="+unpacked)
			given = append(args(reg.ref("row"+strconv.FormatInt(rowNumber.Add(1), 10)), reg.Addr, app.dir), "--run-image", proxy.Addr+"/samples/tiny-run")
		default:
			given = args(reg.ref("row"+strconv.FormatInt(rowNumber.Add(1), 10)), proxy.Addr, app.dir)
		}
		out := m.runWithin(2*faultBound, given...)
		if r.at.name == "manifest" && rule.Response.Flip > 0 {
			// What is asked for by its tag has no digest that it is held against.
			r.kind.ends = open
		}
		if len(proxy.Hit()) == 0 {
			t.Errorf("no request met the fault:\n%s", out.stderr)
		}
		switch {
		case r.kind.ends == repeated:
			out.wantCode(t, 0)
		case r.kind.ends == lost && (out.code == 0 || out.code == 2 || out.code > 69):
			t.Errorf("exit code %d:\n%s", out.code, out.stderr)
		}
		if out.code != 0 {
			out.wantStderr(t, "ERROR: ")
			if r.kind.ends == lost {
				out.wantReason(t, r.kind.says)
			}
		}
		if r.of == "app" {
			ref := reg.ref(strings.SplitN(given[1], "/", 2)[1])
			digest, said := reg.digest(t, ref), strings.TrimSpace(out.stdout)
			if out.code == 0 && !strings.HasSuffix(said, "@"+digest) {
				t.Errorf("it says %s, and what is there is %s", said, digest)
			}
			if out.code != 0 && r.kind.ends == lost && digest != before {
				t.Errorf("the build failed, and the app image is %s instead of %s", digest, before)
			}
		}
		m.wantNothingLeft()
	})
}
