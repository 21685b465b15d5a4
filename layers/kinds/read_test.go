package kinds

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/internal/attrs"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/redact"
	"github.com/pack-cache/pack-cache/layers/blob"
)

// told is what the attributes of a location say that is not said by default, by
// their names.
func told(l Location) map[string]string {
	said := map[string]string{"type": l.Type()}
	own := reflect.ValueOf(l.Place.attributes).Elem()
	for i := range own.NumField() {
		field, tag := own.Field(i), own.Type().Field(i).Tag
		text, usual := fmt.Sprint(field.Interface()), tag.Get("default")
		switch value := field.Interface().(type) {
		case redact.Secret:
			text = value.Reveal()
		case time.Duration:
			if d, err := time.ParseDuration(usual); err == nil {
				usual = d.String()
			}
		}
		if text != usual && !(usual == "" && field.IsZero()) {
			said[tag.Get("attr")] = text
		}
	}
	return said
}

// at makes a map of pairs, as told does.
func at(kind string, pairs ...string) map[string]string {
	said := map[string]string{"type": kind}
	for i := 0; i < len(pairs); i += 2 {
		said[pairs[i]] = pairs[i+1]
	}
	return said
}

// wantTravels checks that a phase gets the location as it is but for secrets.
func wantTravels(t *testing.T, at Location) {
	t.Helper()
	text, err := json.Marshal(Import{Location: at})
	if err != nil {
		t.Fatal(err)
	}
	var arrived Import
	if err := json.Unmarshal(text, &arrived); err != nil {
		t.Fatal(err)
	}
	want := told(at)
	for _, a := range attrs.Describe(at.Place.attributes) {
		if a.Secret {
			delete(want, a.Name)
		}
	}
	if diff := cmp.Diff(want, told(arrived.Location)); diff != "" {
		t.Errorf("it arrives otherwise:\n%s", diff)
	}
	if before, after := at.Facts(), arrived.Facts(); before.Label != after.Label || before.Snapshot != after.Snapshot || before.Dir != after.Dir || before.Label == "" {
		t.Errorf("%+v became %+v", before, after)
	}
}

// wantLocation fails unless a location has attributes, travels, and can be opened.
func wantLocation(t *testing.T, at Location, attributes map[string]string) {
	t.Helper()
	if diff := cmp.Diff(attributes, told(at)); diff != "" {
		t.Error(diff)
	}
	wantTravels(t, at)
	if store, err := at.Open(t.Context(), Access{}); err != nil || store.String() == "" {
		t.Errorf("opened %v, %v", store, err)
	}
}

func here(t *testing.T, path string) string {
	t.Helper()
	full, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return full
}

const digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func TestImport(t *testing.T) {
	t.Parallel()
	tests := []struct {
		value string
		told  map[string]string
		want  Import
	}{
		{"r.example.com/cache:main", at("registry", "ref", "r.example.com/cache:main"), Import{}},
		{"type=registry,ref=r.example.com/cache", at("registry", "ref", "r.example.com/cache"), Import{}},
		{"ref=r.example.com/cache,TYPE=registry,registry.insecure=true", at("registry", "ref", "r.example.com/cache", "registry.insecure", "true"), Import{}},
		{"type=registry,ref=r.example.com/cache,timeout=90s", at("registry", "ref", "r.example.com/cache"), Import{Timeout: 90 * time.Second}},
		{"type=local,src=/cache", at("local", "src", "/cache"), Import{}},
		{"type=local,src=cache/../x", at("local", "src", here(t, "x")), Import{}},
		{`type=local,"src=/a,b",tag=main`, at("local", "src", "/a,b", "tag", "main"), Import{}},
		{"type=local,src=/cache,digest=" + digest, at("local", "src", "/cache", "digest", digest), Import{}},
	}
	for _, test := range tests {
		t.Run(test.value, func(t *testing.T) {
			t.Parallel()
			got, err := ReadImport(test.value, "r.example.com/app:1")
			if err != nil {
				t.Fatal(err)
			}
			wantLocation(t, got.Location, test.told)
			got.Location = Location{}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(Place{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestExport(t *testing.T) {
	t.Parallel()
	level := 19
	zstd, ref := blob.Compression{Codec: blob.Zstd}, at("registry", "ref", "r.example.com/cache")
	tests := []struct {
		value string
		told  map[string]string
		want  Export
	}{
		{"r.example.com/cache", ref, Export{Compression: zstd}},
		{"type=registry,ref=r.example.com/cache,mode=max,ignore-error=false", ref, Export{Max: true, Required: true, Compression: zstd}},
		{"type=registry,ref=r.example.com/cache,compression-level=19,force-compression=true,timeout=1h",
			ref, Export{Compression: blob.Compression{Codec: blob.Zstd, Level: &level}, ForceCompression: true, Timeout: time.Hour}},
		{"type=registry,ref=r.example.com/cache,oci-mediatypes=false,compression=gzip",
			at("registry", "ref", "r.example.com/cache", "oci-mediatypes", "false"), Export{DockerMediaTypes: true, Compression: blob.Compression{Codec: blob.Gzip}}},
		{"type=registry,ref=r.example.com/cache,image-manifest=true,compression=uncompressed", ref, Export{Compression: blob.Compression{Codec: blob.Uncompressed}}},
		{"type=local,dest=/cache,tag=a/b:c,reset=1", at("local", "dest", "/cache", "tag", "a/b:c", "reset", "true"), Export{Compression: zstd}},
	}
	for _, test := range tests {
		t.Run(test.value, func(t *testing.T) {
			t.Parallel()
			got, err := ReadExport(test.value, "r.example.com/app:1")
			if err != nil {
				t.Fatal(err)
			}
			wantLocation(t, got.Location, test.told)
			got.Location = Location{}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(Place{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// wantRefused wants an error that a user can do something about.
func wantRefused(t *testing.T, err error, says, way string) {
	t.Helper()
	refused, ok := errors.AsType[*hint.UsageError](err)
	if !ok {
		t.Fatalf("got %v, want a refusal", err)
	}
	if !strings.Contains(refused.Error(), says) || !strings.Contains(refused.Hint(), way) {
		t.Errorf("got %q, %q", refused.Error(), refused.Hint())
	}
}

// TestSecretsStay has no kind whose secrets travel with a location, or are shown.
func TestSecretsStay(t *testing.T) {
	t.Parallel()
	const secret = "hunter2-hunter2"
	for _, kind := range all() {
		at := Import{Location: Location{Place: Place{kind.name, kind.attributes()}}}
		if kind.name == "registry" {
			at.Place = Image(name.MustParseReference("r.example.com/cache")).Place
		}
		own := reflect.ValueOf(at.Place.attributes).Elem()
		for i := range own.NumField() {
			if own.Field(i).Type() == reflect.TypeFor[redact.Secret]() {
				own.Field(i).Set(reflect.ValueOf(redact.NewSecret(secret)))
			}
		}
		text, err := json.Marshal(at)
		if all := fmt.Sprintf("%s %v %+v %#v", text, at, at, at.Place); err != nil || strings.Contains(all, secret) || strings.Contains(string(text), redact.Mark) {
			t.Errorf("type=%s: %s, %v", kind.name, all, err)
		}
	}
}

// TestNoKind reads locations that nobody has written.
func TestNoKind(t *testing.T) {
	t.Parallel()
	var at Location
	if err := json.Unmarshal([]byte(`{"place":{"nfs":{}}}`), &at); err == nil || !strings.Contains(err.Error(), `no such kind of cache: "nfs"`) {
		t.Errorf("error %v", err)
	}
	if err := json.Unmarshal([]byte(`{"place":{"registry":{"Ref":"r.example.com/Cache"}}}`), &at); err == nil {
		t.Error("it has a reference that is none")
	}
	if _, err := (Location{}).Open(t.Context(), Access{}); err == nil || (Location{}).String() != "" || (Location{}).Login() != nil {
		t.Errorf("nowhere was opened: %v", err)
	}
}
