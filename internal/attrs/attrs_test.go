package attrs_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/attrs"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/redact"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	type pairs = []attrs.Pair
	tests := []struct {
		record string
		want   pairs
		bare   string
	}{
		{"type=local,dest=/cache", pairs{{"type", "local"}, {"dest", "/cache"}}, ""},
		{"TYPE=Local,Dest=/Cache", pairs{{"type", "Local"}, {"dest", "/Cache"}}, ""},
		{"registry.example.com/cache:1", nil, "registry.example.com/cache:1"},
		{`type=local,"dest=/a,b"`, pairs{{"type", "local"}, {"dest", "/a,b"}}, ""},
		{`"dest=a ""b"" c"`, pairs{{"dest", `a "b" c`}}, ""},
		{"ref=a=b", pairs{{"ref", "a=b"}}, ""},
		{"ref= a ", pairs{{"ref", " a "}}, ""},
		{"ref=", pairs{{"ref", ""}}, ""},
		{"ref=#x", pairs{{"ref", "#x"}}, ""},
	}
	for _, test := range tests {
		t.Run(test.record, func(t *testing.T) {
			t.Parallel()
			got, bare, err := attrs.Split(test.record)
			if err != nil || bare != test.bare {
				t.Fatalf("got %q, %v", bare, err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSplitRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ record, says, hint string }{
		{"", "nothing is given", "type=registry"},
		{"\n", "nothing is given", "type=registry"},
		{"a,type=local", "the first attribute has no =", "before its value"},
		{"type=s3,token=hunter2,hunter3", `what follows attribute "token" has no =`, "quote"},
		{"type=local,=x", "no name before its =", "write attributes as in"},
		{`type=local,dest="hunter2"`, "not a record of attributes", "quote a whole attribute"},
		{`type=local,"dest=hunter2`, "not a record of attributes", "quote a whole attribute"},
		{"type=local\ndest=hunter2", "more than one line", "NAME=VALUE"},
	}
	for _, test := range tests {
		t.Run(test.record, func(t *testing.T) {
			t.Parallel()
			_, _, err := attrs.Split(test.record)
			wantRefused(t, err, test.says, test.hint)
		})
	}
}

func wantRefused(t *testing.T, err error, says, way string) {
	t.Helper()
	refused, ok := errors.AsType[*hint.UsageError](err)
	if !ok {
		t.Fatalf("got %v, want a usage error", err)
	}
	if !strings.Contains(refused.Error(), says) || !strings.Contains(refused.Hint(), way) {
		t.Errorf("got %q, %q", refused.Error(), refused.Hint())
	}
	if strings.Contains(refused.Error()+refused.Hint(), "hunter") {
		t.Errorf("it repeats a value: %q, %q", refused.Error(), refused.Hint())
	}
}

// bucket is what a store could ask for.
type bucket struct {
	Bucket string        `attr:"bucket" required:"true" env:"BUCKET" help:"the bucket"`
	Prefix string        `attr:"prefix" default:"blobs/"`
	Mode   string        `attr:"mode" only:"export" default:"min" values:"min max"`
	Style  bool          `attr:"use_path_style" default:"false"`
	Check  bool          `attr:"check" only:"export" default:"true"`
	Level  *int          `attr:"level" only:"export"`
	Jobs   int           `attr:"jobs" default:"4"`
	Wait   time.Duration `attr:"wait" form:"time"`
	Digest string        `attr:"digest" only:"import"`

	//lint:ignore U1000 fields that are not exported are nobody's attributes
	opened bool
}

// more is what all stores could ask for.
type more struct {
	Timeout time.Duration `attr:"timeout"`
}

func environment(name string) (string, bool) {
	if name == "BUCKET" {
		return "from-environment", true
	}
	return "", false
}

func TestSet(t *testing.T) {
	t.Parallel()
	level := 7
	tests := []struct {
		record string
		env    attrs.Lookup
		use    string
		want   bucket
		more   more
	}{
		{"bucket=b", nil, "import", bucket{Bucket: "b", Prefix: "blobs/", Mode: "min", Check: true, Jobs: 4}, more{}},
		{"prefix=", environment, "export", bucket{Bucket: "from-environment", Mode: "min", Check: true, Jobs: 4}, more{}},
		{"bucket=b", environment, "export", bucket{Bucket: "b", Prefix: "blobs/", Mode: "min", Check: true, Jobs: 4}, more{}},
		{"bucket=b,mode=max,use_path_style=1,check=FALSE,level=7,jobs=-1,wait=1m30s,timeout=2h", nil, "export",
			bucket{Bucket: "b", Prefix: "blobs/", Mode: "max", Style: true, Level: &level, Jobs: -1, Wait: 90 * time.Second}, more{2 * time.Hour}},
		{"bucket=b,digest=d", nil, "import", bucket{Bucket: "b", Prefix: "blobs/", Mode: "min", Check: true, Jobs: 4, Digest: "d"}, more{}},
	}
	for _, test := range tests {
		t.Run(test.record, func(t *testing.T) {
			t.Parallel()
			pairs, _, err := attrs.Split(test.record)
			if err != nil {
				t.Fatal(err)
			}
			var got bucket
			var general more
			if err := attrs.Set(pairs, test.use, test.env, &got, &general); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(bucket{})); diff != "" {
				t.Error(diff)
			}
			if general != test.more {
				t.Errorf("got %+v, want %+v", general, test.more)
			}
		})
	}
}

func TestSetRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ record, use, says, hint string }{
		{"bukcet=b", "export", `unknown attribute "bukcet"`, "did you mean bucket? valid are: bucket, prefix, mode, use_path_style, check, level, jobs, wait, timeout"},
		{"bucket=b,zzzzzz=1", "import", `unknown attribute "zzzzzz"`, "valid are: bucket, prefix, use_path_style, jobs, wait, digest, timeout"},
		{"bucket=b,tiemout=1s", "import", `unknown attribute "tiemout"`, "did you mean timeout?"},
		{"bucket=b,mode=max", "import", "attribute mode is for export only", "valid are: bucket"},
		{"bucket=b,digest=d", "export", "attribute digest is for import only", "valid are: bucket"},
		{"bucket=b,bucket=c", "export", "attribute bucket is given twice", "once"},
		{"prefix=x", "export", "attribute bucket is missing", "add bucket=STRING, or set BUCKET"},
		{"bucket=", "export", "attribute bucket is empty", "bucket=STRING"},
		{"bucket=b,mode=mxa", "export", `attribute mode: there is no "mxa"`, "did you mean max? valid are: min, max"},
		{"bucket=b,mode=", "export", `attribute mode: there is no ""`, "valid are: min, max"},
		{"bucket=b,check=ture", "export", `attribute check: "ture" is not true or false`, "did you mean true? write true or false"},
		{"bucket=b,check=", "export", `attribute check: "" is not true or false`, "write true or false"},
		{"bucket=b,level=high", "export", `attribute level: "high" is not a whole number`, "write a whole number"},
		{"bucket=b,jobs=99999999999999999999", "export", "is out of range", "write a whole number"},
		{"bucket=b,wait=5", "export", `attribute wait: "5" is not a duration`, "90s"},
		{"bucket=b,timeout=-5s", "export", `attribute timeout: "-5s" is not a duration`, "90s"},
	}
	for _, test := range tests {
		t.Run(test.record, func(t *testing.T) {
			t.Parallel()
			pairs, _, err := attrs.Split(test.record)
			if err != nil {
				t.Fatal(err)
			}
			wantRefused(t, attrs.Set(pairs, test.use, nil, &bucket{}, &more{}), test.says, test.hint)
		})
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	forms := map[string]string{}
	for _, a := range attrs.Describe(bucket{}) {
		forms[a.Name] = a.Form
	}
	want := map[string]string{
		"bucket": "string", "prefix": "string", "mode": "min|max", "use_path_style": "bool", "check": "bool",
		"level": "int", "jobs": "int", "wait": "time", "digest": "string",
	}
	if diff := cmp.Diff(want, forms); diff != "" {
		t.Error(diff)
	}
}

func FuzzSplit(f *testing.F) {
	for _, record := range []string{"a=b,c=d", `"a=b,c"`, "ref", "=", ",", `"`} {
		f.Add(record)
	}
	f.Fuzz(func(t *testing.T, record string) {
		pairs, bare, err := attrs.Split(record)
		if err == nil && len(pairs) == 0 && bare == "" {
			t.Errorf("%q is nothing, and no error", record)
		}
		for _, pair := range pairs {
			if pair.Name == "" {
				t.Errorf("%q has an attribute without a name", record)
			}
		}
	})
}

// TestSecrets keeps secrets out of everything that may be written down.
func TestSecrets(t *testing.T) {
	t.Parallel()
	type login struct {
		User string        `attr:"user"`
		Key  redact.Secret `attr:"key" env:"KEY"`
		None redact.Secret `attr:"none"`
	}
	env := func(string) (string, bool) { return "hunter2", true }
	var got login
	if err := attrs.Set([]attrs.Pair{{Name: "user", Value: "me"}}, "import", env, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(login{User: "me", Key: redact.NewSecret("hunter2")}, got); diff != "" {
		t.Error(diff)
	}
	if text := fmt.Sprintf("%+v", got); strings.Contains(text, "hunter2") {
		t.Errorf("it shows a secret: %s", text)
	}
}
