package build

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/lifecycle"
)

func TestEnvironment(t *testing.T) {
	t.Setenv("GIVEN", "from here")
	file := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(file, []byte("# a comment\n\nA=of the file\nB=x=y\n GIVEN \nMISSING_HERE\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := environment(t.Context(), []string{file}, []string{"A=of the flag", "ALSO_MISSING"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"A": "of the flag", "B": "x=y", "GIVEN": "from here", "MISSING_HERE": "", "ALSO_MISSING": ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

func TestVolumes(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]lifecycle.Mount{
		"/a/../b:/c/":     {Host: "/b", Target: "/c", ReadOnly: true},
		"/a:/b:ro":        {Host: "/a", Target: "/b", ReadOnly: true},
		"/a:/b:rw":        {Host: "/a", Target: "/b"},
		"my-volume:/b":    {Named: "my-volume", Target: "/b", ReadOnly: true},
		"my.volume:/b:rw": {Named: "my.volume", Target: "/b"},
	} {
		got, err := volumes([]string{value})
		if err != nil {
			t.Errorf("%q: %v", value, err)
			continue
		}
		if diff := cmp.Diff([]lifecycle.Mount{want}, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", value, diff)
		}
	}
	for value, want := range map[string]string{
		"":                 "1 parts",
		"/a":               "1 parts",
		"/a:/b:ro:x":       "4 parts",
		"./a:/b":           "neither an absolute path nor the name of a volume",
		"~/a:/b":           "neither an absolute path nor the name of a volume",
		"/a:b":             "not an absolute path",
		"/a:/":             "not an absolute path below the root",
		"/a:/b:ro,rw":      "ro and rw exclude each other",
		"/a:/b:z":          `option "z" is not known`,
		"/a:/b:volume-opt": `option "volume-opt" is not known`,
	} {
		if _, err := volumes([]string{value}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v lacks %q", value, err, want)
		}
	}
}

func TestCreationTime(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Time{
		"1566172801":                time.Date(2019, 8, 19, 0, 0, 1, 0, time.UTC),
		"2019-08-19T02:00:01+02:00": time.Date(2019, 8, 19, 0, 0, 1, 0, time.UTC),
	} {
		if got, err := creationTime(value); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v", value, got, err)
		}
	}
	before := time.Now()
	if got, err := creationTime("now"); err != nil || got.Before(before) || got.After(time.Now()) {
		t.Errorf("now: %v, %v", got, err)
	}
	if got, err := creationTime(""); err != nil || got != nil {
		t.Errorf("nothing: %v, %v", got, err)
	}
	if _, err := creationTime("yesterday"); err == nil {
		t.Error("yesterday is a time")
	}
}
