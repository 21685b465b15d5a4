package acceptance

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/platform"
)

// inlineRow is a row of the table of faults of caches in app images.
type inlineRow struct {
	side reach
	at   requests
	kind faultKind
}

func (r inlineRow) name() string {
	side := map[reach]string{reads: "import", writes: "export"}[r.side]
	return strings.ReplaceAll(strings.Join([]string{side, r.at.name, r.kind.name}, "/"), " ", "_")
}

// inlineRequests are the kinds of requests for a cache in an app image and beside it.
var inlineRequests = map[reach][]requests{
	reads: {
		{name: "manifest", method: http.MethodGet, path: `/manifests/`},
		{name: "blob", method: http.MethodGet, path: `/blobs/`},
	},
	writes: {
		// What is beside the app image has its digest for a name, or a tag made of the
		// app image's digest.
		{name: "manifest beside", method: http.MethodPut, path: `/manifests/sha256[:-]`},
	},
}

// inlineChoice are the rows of the usual table.
var inlineChoice = []string{
	"import/manifest/503", "import/manifest/dropped_once", "import/manifest/no_answer",
	"import/blob/cut_once", "import/blob/503", "import/blob/flipped",
	"export/manifest_beside/503", "export/manifest_beside/500_once", "export/manifest_beside/answer_lost_once",
}

// TestFaultsOfInline has the registry fail when a cache in an app image is read, and
// when what belongs to it is stored: the build succeeds, the app image is published,
// and what is lost is said.
func TestFaultsOfInline(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{Delete: true})
	builder := reg.tiny(t, nil)
	unpacked := openDir(t)
	app := newApp(t, map[string]string{"churn": "deps cache random 3 99999"}, nil)
	args := func(image string, more ...string) []string {
		return append([]string{"build", "--output", "json", image, "--builder", builder, "--path", app.dir, "--publish", "--trust-builder"}, more...)
	}
	newMachine(t, "XDG_CACHE_HOME="+unpacked).run(args(reg.ref("app"), "--export-cache", "type=inline,mode=max")...).wantCode(t, 0)
	var rows []inlineRow
	for side, kinds := range inlineRequests {
		for _, kind := range faultsOf(side) {
			for _, at := range kinds {
				row := inlineRow{side, at, kind}
				if os.Getenv("PACK_CACHE_FAULTS") == "all" || slices.Contains(inlineChoice, row.name()) {
					rows = append(rows, row)
				}
			}
		}
	}
	runRows(t, rows, func(r inlineRow) bool { return r.kind.waits() }, func(t *testing.T, r inlineRow) {
		proxy := testregistry.NewFaults(t, reg.Registry)
		rule := r.kind.rule
		rule.Method, rule.Path = r.at.method, regexp.MustCompile(r.at.path)
		proxy.Set(rule)
		m := newMachine(t, "XDG_CACHE_HOME="+unpacked)
		name := "inline" + strconv.FormatInt(rowNumber.Add(1), 10)
		given := args(reg.ref(name), "--import-cache", "type=registry,ref="+proxy.Addr+"/app")
		if r.side == writes {
			given = args(proxy.Addr+"/"+name, "--export-cache", "type=inline,mode=max")
		}
		out := m.runWithin(faultBound, given...)
		out.wantCode(t, 0)
		if len(proxy.Hit()) == 0 {
			t.Errorf("no request met the fault:\n%s", out.stderr)
		}
		var result platform.Result
		if err := json.Unmarshal([]byte(out.stdout), &result); err != nil {
			t.Fatalf("%v in %s", err, out.stdout)
		}
		if r.side == reads {
			faultyRow{side: reads, at: r.at, kind: r.kind}.wantImport(t, &result, out)
		} else {
			r.wantExport(t, &result, out)
		}
		if digest := reg.digest(t, reg.ref(name)); digest != result.Digest {
			t.Errorf("published %s, and what is there is %s", result.Digest, digest)
		}
		m.wantNothingLeft()
	})
}

// wantExport fails unless what belongs to the cache is stored, or not and that is said.
func (r inlineRow) wantExport(t *testing.T, result *platform.Result, out outcome) {
	t.Helper()
	failed, warned := result.Saved[0].Failed != "", strings.Contains(out.stderr, "was not saved: ")
	switch {
	case failed != warned, r.kind.ends == repeated && failed, r.kind.ends == lost && !failed:
		t.Errorf("failed %v (%s), warned %v:\n%s", failed, result.Saved[0].Failed, warned, out.stderr)
	case r.kind.ends == lost:
		out.wantReason(t, r.kind.says)
	}
}
