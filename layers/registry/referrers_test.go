package registry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/internal/test/testservers"
	"github.com/pack-cache/pack-cache/layers"
)

const otherType = "application/vnd.example.signature"

// referrer is an artifact without layers that refers to subject.
func referrer(t *testing.T, s *Store, subject v1.Hash, artifactType string, generation int) Referrer {
	t.Helper()
	config := []byte("{}")
	digest, size, _ := v1.SHA256(bytes.NewReader(config))
	_, err := s.Push(t.Context(), v1.Descriptor{Digest: digest}, func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(config)), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	annotations := map[string]string{layers.GenerationAnnotation: fmt.Sprint(generation)}
	raw, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: artifactType, Layers: []v1.Descriptor{},
		Config:      v1.Descriptor{MediaType: "application/vnd.oci.empty.v1+json", Digest: digest, Size: size},
		Subject:     &v1.Descriptor{MediaType: types.OCIManifestSchema1, Digest: subject, Size: 7},
		Annotations: annotations,
	})
	if err != nil {
		t.Fatal(err)
	}
	digest, size, _ = v1.SHA256(bytes.NewReader(raw))
	return Referrer{
		Descriptor: v1.Descriptor{MediaType: types.OCIManifestSchema1, Digest: digest, Size: size, ArtifactType: artifactType, Annotations: annotations},
		Manifest:   raw, Subject: subject, Newer: layers.Newer,
	}
}

func generations(t *testing.T, s *Store, subject v1.Hash, artifactType string) []int {
	t.Helper()
	all, err := s.Referrers(t.Context(), subject, artifactType)
	if err != nil {
		t.Fatal(err)
	}
	found := []int{}
	for _, d := range all {
		found = append(found, layers.Generation(d))
	}
	slices.Sort(found)
	return found
}

// TestReferrers enters referrers and finds them, those of one type and subject, on
// a registry that lists them and on one where we do.
func TestReferrers(t *testing.T) {
	t.Parallel()
	subject := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("1", 64)}
	another := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("2", 64)}
	for _, test := range []struct {
		name string
		addr func() string
		// after are the referrers of our type after 1, 2 and 1 again were entered.
		after []int
	}{
		{"fallback", func() string { return testregistry.New(t, testregistry.Options{Delete: true}).Addr }, []int{2}},
		{"olareg", func() string { return testservers.NewOlareg(t) }, []int{1, 2}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := open(t, &testregistry.Registry{}, test.addr()+"/team/app", nil)
			if got := generations(t, s, subject, layers.ArtifactType); len(got) != 0 {
				t.Errorf("there are %v", got)
			}
			enter := func(subject v1.Hash, artifactType string, generation int) v1.Hash {
				r := referrer(t, s, subject, artifactType, generation)
				if err := s.Refer(t.Context(), r); err != nil {
					t.Fatal(err)
				}
				return r.Descriptor.Digest
			}
			enter(subject, otherType, 9)
			first := enter(subject, layers.ArtifactType, 1)
			second := enter(subject, layers.ArtifactType, 2)
			enter(subject, layers.ArtifactType, 1)
			enter(another, layers.ArtifactType, 5)
			if got := generations(t, s, subject, layers.ArtifactType); !slices.Equal(got, test.after) {
				t.Errorf("there are %v, want %v", got, test.after)
			}
			if got := generations(t, s, subject, otherType); !slices.Equal(got, []int{9}) {
				t.Errorf("of another type there are %v", got)
			}
			if got := generations(t, s, another, layers.ArtifactType); !slices.Equal(got, []int{5}) {
				t.Errorf("of another image there are %v", got)
			}
			s.Forget(t.Context(), first)
			if _, _, err := s.Resolve(t.Context(), first.String()); err == nil {
				t.Error("what was forgotten is there")
			}
			if _, _, err := s.Resolve(t.Context(), second.String()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestReferAtOnce has many builds enter a referrer at the same time where only a
// tag leads to them: the newest is found in the end, and nobody is lost who is of
// another type.
func TestReferAtOnce(t *testing.T) {
	t.Parallel()
	r := testregistry.New(t, testregistry.Options{})
	subject := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("1", 64)}
	s := open(t, r, r.Addr+"/app", nil)
	if err := s.Refer(t.Context(), referrer(t, s, subject, otherType, 1)); err != nil {
		t.Fatal(err)
	}
	var group errgroup.Group
	for i := range 6 {
		one := referrer(t, s, subject, layers.ArtifactType, i+1)
		group.Go(func() error { return open(t, r, r.Addr+"/app", nil).Refer(t.Context(), one) })
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	if got := generations(t, s, subject, layers.ArtifactType); len(got) != 1 {
		t.Errorf("there are %v", got)
	}
	if got := generations(t, s, subject, otherType); !slices.Equal(got, []int{1}) {
		t.Errorf("of another type there are %v", got)
	}
}

// TestReferrersAnswers reads lists in pages, lists that were not filtered, and
// answers that are no lists.
func TestReferrersAnswers(t *testing.T) {
	t.Parallel()
	subject := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("1", 64)}
	entry := func(n int, artifactType string) string {
		return fmt.Sprintf(`{"mediaType":%q,"digest":"sha256:%064d","size":1,"artifactType":%q,"annotations":{%q:"%d"}}`,
			types.OCIManifestSchema1, n, artifactType, layers.GenerationAnnotation, n)
	}
	list := func(entries ...string) string {
		return fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[%s]}`, types.OCIImageIndex, strings.Join(entries, ","))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/v2/", func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Content-Type", string(types.OCIImageIndex))
		repo, what, _ := strings.Cut(strings.TrimPrefix(req.URL.Path, "/v2/"), "/")
		switch listing := strings.HasPrefix(what, "referrers/"); {
		case repo == "":
		case repo == "pages" && listing && req.URL.Query().Get("page") == "2":
			io.WriteString(w, list(entry(2, layers.ArtifactType)))
		case repo == "pages" && listing:
			w.Header().Set("Link", `<`+req.URL.Path+`?page=2>; rel="next"`)
			io.WriteString(w, list(entry(1, layers.ArtifactType), entry(7, otherType)))
		case repo == "astray" && listing:
			w.Header().Set("Link", `<https://elsewhere.example.com/>; rel="next"`)
			io.WriteString(w, list(entry(1, layers.ArtifactType)))
		case repo == "html" && listing:
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, "<html>")
		case repo == "image" && !listing:
			w.Header().Set("Content-Type", string(types.OCIManifestSchema1))
			io.WriteString(w, `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json"}`)
		case repo == "html" || repo == "forbidden" && !listing:
			io.WriteString(w, list(entry(3, layers.ArtifactType)))
		case repo == "forbidden":
			w.WriteHeader(http.StatusForbidden)
		case repo == "broken" && listing:
			io.WriteString(w, `{"manifests":`)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	addr := strings.TrimPrefix(server.URL, "http://")
	for _, test := range []struct {
		repository string
		want       []int
	}{
		{"pages", []int{1, 2}}, {"astray", []int{1}}, {"html", []int{3}}, {"forbidden", []int{3}}, {"nothing", []int{}},
	} {
		if got := generations(t, open(t, &testregistry.Registry{}, addr+"/"+test.repository, nil), subject, layers.ArtifactType); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.repository, got, test.want)
		}
	}
	for _, repository := range []string{"broken", "image"} {
		all, err := open(t, &testregistry.Registry{}, addr+"/"+repository, nil).Referrers(t.Context(), subject, layers.ArtifactType)
		if err == nil {
			t.Errorf("%s: %v and no error", repository, all)
		}
	}
}
