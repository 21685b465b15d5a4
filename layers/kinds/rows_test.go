package kinds

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/attrs"
)

// row is what users of BuildKit know of an attribute, and what else is asked of it
// here.
type row struct {
	name, only, fallback string
	required             bool
	// good are values, bad are values that are refused, with what the hint says.
	good []string
	bad  map[string]string
}

var (
	noBool     = map[string]string{"": "write true or false", "yes": "write true or false", "ture": "did you mean true?", "2": "write true or false"}
	bools      = []string{"true", "false", "1", "0", "TRUE"}
	noDuration = map[string]string{"": "90s", "5": "90s", "-5s": "90s", "5 minutes": "90s"}
)

// general are the rows of every kind, kinds those of their own.
var (
	general = []row{
		{name: "mode", only: "export", fallback: "min", good: []string{"min", "max"},
			bad: map[string]string{"": "valid are: min, max", "maxx": "did you mean max? valid are: min, max", "MAX": "valid are: min, max"}},
		{name: "ignore-error", only: "export", fallback: "true", good: bools, bad: noBool},
		{name: "compression", only: "export", fallback: "zstd", good: []string{"uncompressed", "gzip", "estargz", "zstd"},
			bad: map[string]string{"": "valid are: zstd, gzip, estargz, uncompressed", "zstandard": "valid are:", "gzipp": "did you mean gzip?",
				"estargs": "did you mean estargz?", "uncompresed": "did you mean uncompressed?"}},
		{name: "compression-level", only: "export", good: []string{"0", "1", "22"},
			bad: map[string]string{"": "whole number", "fast": "whole number", "1.5": "whole number", "-1": "from 0 to 22", "23": "from 0 to 22", "99999999999999999999": "whole number"}},
		{name: "force-compression", only: "export", fallback: "false", good: bools, bad: noBool},
		{name: "timeout", good: []string{"10s", "1h30m", "0s"}, bad: noDuration},
		{name: "idle-timeout", good: []string{"10s", "1m"}, bad: noDuration},
		{name: "max-wait", good: []string{"10s", "1m"}, bad: noDuration},
	}
	kinds = map[string][]row{
		"registry": {
			{name: "ref", required: true, good: []string{"r.example.com/cache", "r.example.com:5000/a/b:main"}, bad: map[string]string{"": "write ref=IMAGE"}},
			{name: "oci-mediatypes", only: "export", fallback: "true", good: []string{"true"}, bad: noBool},
			{name: "image-manifest", only: "export", fallback: "true", good: []string{"true"},
				bad: map[string]string{"false": "leave image-manifest out", "no": "write true or false"}},
			{name: "registry.insecure", fallback: "false", good: bools, bad: noBool},
		},
		"inline": {},
		"local": {
			{name: "dest", only: "export", required: true, good: []string{"/cache", "cache"}, bad: map[string]string{"": "write dest=DIRECTORY"}},
			{name: "src", only: "import", required: true, good: []string{"/cache", "cache"}, bad: map[string]string{"": "write src=DIRECTORY"}},
			{name: "tag", fallback: "latest", good: []string{"main", "a/b:c"}, bad: map[string]string{"": "letters and digits", "a b": "letters and digits", digest: "write digest="}},
			{name: "digest", only: "import", good: []string{digest}, bad: map[string]string{"sha256:1": "64 hexadecimal digits", "main": "64 hexadecimal digits"}},
			{name: "reset", only: "export", fallback: "false", good: bools, bad: noBool},
		},
	}
)

// TestRows holds the attributes against what users know of them: names, uses,
// defaults, and that every wrong value is refused with the way out.
func TestRows(t *testing.T) {
	t.Parallel()
	wantRows(t, "every type", general, attrs.Describe(generalAttrs{}))
	for _, kind := range all() {
		own, ok := kinds[kind.name]
		if !ok {
			continue // tested beside the kind
		}
		wantRows(t, kind.name, own, attrs.Describe(kind.attributes()))
		for _, use := range []string{toImport, toExport} {
			if kind.name == "inline" && use == toImport {
				continue // refused altogether
			}
			for _, r := range append(own, general...) {
				if r.only == "" || r.only == use {
					r.check(t, kind.name, use, own)
				} else if err := readRow(kind.name, use, r.name, "x", own); err == nil {
					t.Errorf("%s of type %s takes %s", use, kind.name, r.name)
				}
			}
		}
	}
}

func wantRows(t *testing.T, kind string, want []row, have []attrs.Attribute) {
	t.Helper()
	var a, b []string
	for _, r := range want {
		a = append(a, strings.Join([]string{r.name, r.only, r.fallback, map[bool]string{true: "required"}[r.required]}, "|"))
	}
	for _, h := range have {
		b = append(b, strings.Join([]string{h.Name, h.Only, h.Default, map[bool]string{true: "required"}[h.Required]}, "|"))
	}
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("attributes of %s (-want +got):\n%s", kind, diff)
	}
}

// check gives the attribute good values and bad ones.
func (r row) check(t *testing.T, kind, use string, own []row) {
	t.Helper()
	for _, value := range r.good {
		if err := readRow(kind, use, r.name, value, own); err != nil {
			t.Errorf("%s type=%s,%s=%s: %v", use, kind, r.name, value, err)
		}
	}
	for value, hint := range r.bad {
		wantRefused(t, readRow(kind, use, r.name, value, own), r.name, hint)
	}
	misspelt := strings.ToUpper(r.name[:1]) + r.name[1:]
	if err := readRow(kind, use, misspelt, r.good[0], own); err != nil {
		t.Errorf("%s type=%s,%s=%s: %v", use, kind, misspelt, r.good[0], err)
	}
	if len(r.name) > 3 {
		wantRefused(t, readRow(kind, use, r.name+"x", r.good[0], own), "unknown attribute", "did you mean "+r.name+"?")
	}
}

// readRow reads a location with one attribute and those that are required.
func readRow(kind, use, name, value string, own []row) error {
	record := "type=" + kind
	for _, r := range own {
		if r.required && !strings.EqualFold(r.name, name) && (r.only == "" || r.only == use) {
			record += "," + r.name + "=" + r.good[0]
		}
	}
	record += "," + name + "=" + value
	var err error
	if use == toImport {
		_, err = ReadImport(record, "r.example.com/app")
	} else {
		_, err = ReadExport(record, "r.example.com/app")
	}
	return err
}
