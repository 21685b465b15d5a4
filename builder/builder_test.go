package builder_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/pack-cache/pack-cache/builder"
)

const label = "io.buildpacks.builder.metadata"

// image returns an image with the given environment and labels.
func image(t *testing.T, env []string, labels map[string]string) v1.Image {
	t.Helper()
	img, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		OS: "linux", Architecture: "amd64",
		Config: v1.Config{Env: env, Labels: labels},
	})
	if err != nil {
		t.Fatal(err)
	}
	return img
}

var ids = []string{"CNB_USER_ID=1001", "CNB_GROUP_ID=1002"}

func TestInspect(t *testing.T) {
	t.Parallel()
	b, err := builder.Inspect(image(t, ids, map[string]string{
		label: `{"buildpacks":[{"id":"acme/java","version":"1.2"}],
			"images":[{"image":"r/run","mirrors":["m/run"]}],
			"stack":{"runImage":{"image":"r/old"}},
			"lifecycle":{"version":"0.21.14","apis":{"platform":{"deprecated":["0.7"],"supported":["0.14"]}}}}`,
		"io.buildpacks.base.distro.name":    "debian",
		"io.buildpacks.base.distro.version": "12",
	}))
	if err != nil {
		t.Fatal(err)
	}
	b.Image, b.Digest = nil, v1.Hash{}
	want := &builder.Builder{
		UID: 1001, GID: 1002, Env: ids, Lifecycle: "0.21.14",
		Target:       builder.Target{OS: "linux", Architecture: "amd64", DistroName: "debian", DistroVersion: "12"},
		PlatformAPIs: []string{"0.7", "0.14"},
		Buildpacks:   []builder.Buildpack{{ID: "acme/java", Version: "1.2"}},
		RunImages:    []builder.RunImage{{Image: "r/run", Mirrors: []string{"m/run"}}},
	}
	if diff := cmp.Diff(want, b); diff != "" {
		t.Errorf("builder (-want +got):\n%s", diff)
	}
}

func TestInspectRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		env    []string
		labels map[string]string
		want   string
	}{
		{"no label", ids, nil, "label " + label + " is missing"},
		{"broken label", ids, map[string]string{label: "{"}, "cannot be read"},
		{"a label that nests", ids, map[string]string{label: strings.Repeat(`{"a":`, 9000) + "1" + strings.Repeat("}", 9000)}, "nests deeper"},
		{"no user", nil, map[string]string{label: "{}"}, "CNB_USER_ID"},
		{"no group", ids[:1], map[string]string{label: "{}"}, "CNB_GROUP_ID"},
		{"user is a name", []string{"CNB_USER_ID=cnb"}, map[string]string{label: "{}"}, `"cnb", not a number`},
		{"root", []string{"CNB_USER_ID=0"}, map[string]string{label: "{}"}, "refuses to build as root"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := builder.Inspect(image(t, tt.env, tt.labels))
			if !errors.Is(err, builder.ErrNotABuilder) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, want ErrNotABuilder with %q", err, tt.want)
			}
		})
	}
}

func TestPlatformAPI(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, labels string
		want         string // "" for no common API
		hint         string // then
	}{
		{"highest of both", `{"lifecycle":{"apis":{"platform":{"deprecated":["0.7"],"supported":["0.9","0.10"]}}}}`, "0.10", ""},
		{"newer than ours", `{"lifecycle":{"apis":{"platform":{"supported":["0.14","9.9"]}}}}`, "0.14", ""},
		{"deprecated only", `{"lifecycle":{"apis":{"platform":{"deprecated":["0.8"]}}}}`, "0.8", ""},
		{"old form", `{"lifecycle":{"api":{"platform":"0.7"}}}`, "0.7", ""},
		{"too old", `{"lifecycle":{"apis":{"platform":{"supported":["0.3"]}}}}`, "", "newer version of the builder"},
		{"too new", `{"lifecycle":{"apis":{"platform":{"supported":["9.8","9.9"]}}}}`, "", "newer version of pack-cache"},
		{"none", `{}`, "", "newer version of the builder"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, err := builder.Inspect(image(t, ids, map[string]string{label: tt.labels}))
			if err != nil {
				t.Fatal(err)
			}
			got, err := b.PlatformAPI()
			if got != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("PlatformAPI() = %q, %v; want %q", got, err, tt.want)
			}
			if failed, ok := errors.AsType[*builder.APIError](err); ok && !strings.Contains(failed.Hint(), tt.hint) {
				t.Errorf("hint is %q, want %q", failed.Hint(), tt.hint)
			}
		})
	}
}

func TestChooseRunImage(t *testing.T) {
	t.Parallel()
	b := &builder.Builder{RunImages: []builder.RunImage{{Image: "one.example.com/run", Mirrors: []string{"two.example.com/run"}}}}
	tests := []struct {
		name, registry string
		unreadable     map[string]bool
		want           string
		preferred      []string
	}{
		{"first", "elsewhere.example.com", nil, "one.example.com/run", nil},
		{"same registry", "two.example.com", nil, "two.example.com/run", nil},
		{"same registry unreadable", "two.example.com", map[string]bool{"two.example.com/run": true}, "one.example.com/run", nil},
		{"first unreadable", "elsewhere.example.com", map[string]bool{"one.example.com/run": true}, "two.example.com/run", nil},
		{"none", "x", map[string]bool{"one.example.com/run": true, "two.example.com/run": true}, "", nil},
		{"the user's mirror before others", "elsewhere.example.com", nil, "three.example.com/run", []string{"three.example.com/run"}},
		{"same registry before the user's mirror", "two.example.com", nil, "two.example.com/run", []string{"three.example.com/run"}},
		{"the user's mirror in the same registry", "three.example.com", nil, "three.example.com/run", []string{"four.example.com/run", "three.example.com/run"}},
		{"the user's mirror unreadable", "elsewhere.example.com", map[string]bool{"three.example.com/run": true}, "one.example.com/run", []string{"three.example.com/run"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := b.ChooseRunImage(t.Context(), tt.registry, func(string) []string { return tt.preferred }, func(_ context.Context, image string) error {
				if tt.unreadable[image] {
					return errors.New("unreadable")
				}
				return nil
			})
			if got != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("ChooseRunImage() = %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}
