package trust_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/trust"
)

var (
	hashA = v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("a", 64)}
	hashB = v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("b", 64)}
)

func TestJudgeMatching(t *testing.T) {
	t.Parallel()
	const a, b = "@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	tests := []struct {
		entry, builder string
		digest         v1.Hash
		want           bool
	}{
		// The host counts.
		{"good.example.com/acme/builder", "good.example.com/acme/builder", hashA, true},
		{"good.example.com/acme/builder", "evil.example.com/acme/builder", hashA, false},
		{"good.example.com/acme/builder", "acme/builder", hashA, false},
		{"acme/builder", "good.example.com/acme/builder", hashA, false},
		{"good.example.com/acme/builder", "good.example.com.evil.example.com/acme/builder", hashA, false},
		{"good.example.com/acme/builder", "evil.example.com/good.example.com/acme/builder", hashA, false},
		{"Good.Example.COM/acme/builder", "good.example.com/acme/builder", hashA, true},
		{"good.example.com/acme/builder", "GOOD.example.com/acme/builder", hashA, true},
		// So does the port.
		{"good.example.com:5000/acme/builder", "good.example.com:5000/acme/builder", hashA, true},
		{"good.example.com:5000/acme/builder", "good.example.com/acme/builder", hashA, false},
		{"good.example.com/acme/builder", "good.example.com:5000/acme/builder", hashA, false},
		{"good.example.com:5000/acme/builder", "good.example.com:5001/acme/builder", hashA, false},
		// Docker Hub has several names.
		{"acme/builder", "docker.io/acme/builder:1", hashA, true},
		{"acme/builder", "index.docker.io/acme/builder", hashA, true},
		{"Docker.IO/acme/builder", "acme/builder", hashA, true},
		{"builder", "docker.io/library/builder", hashA, true},
		{"DOCKER.io/builder", "library/builder", hashA, true},
		{"library/builder", "acme/builder", hashA, false},
		// The repository is the whole path.
		{"good.example.com/acme/builder", "good.example.com/acme/builder2", hashA, false},
		{"good.example.com/acme/builder", "good.example.com/acme/builder/more", hashA, false},
		{"good.example.com/acme/builder", "good.example.com/builder", hashA, false},
		{"good.example.com/acme", "good.example.com/acme/builder", hashA, false},
		// An entry without a tag trusts every tag and digest.
		{"good.example.com/acme/builder", "good.example.com/acme/builder:1.2", hashA, true},
		{"good.example.com/acme/builder", "good.example.com/acme/builder" + b, hashB, true},
		{"good.example.com/acme/builder", "good.example.com/acme/builder:1" + b, hashB, true},
		// One with a tag trusts this tag.
		{"good.example.com/acme/builder:1", "good.example.com/acme/builder:1", hashA, true},
		{"good.example.com/acme/builder:1", "good.example.com/acme/builder:2", hashA, false},
		{"good.example.com/acme/builder:1", "good.example.com/acme/builder", hashA, false},
		{"good.example.com/acme/builder:latest", "good.example.com/acme/builder", hashA, true},
		{"good.example.com/acme/builder:1", "good.example.com/acme/builder" + a, hashA, false},
		{"good.example.com/acme/builder:1", "good.example.com/acme/builder:1" + a, hashA, false},
		{"good.example.com/acme/builder:1", "evil.example.com/acme/builder:1", hashA, false},
		// One with a digest trusts this digest.
		{"good.example.com/acme/builder" + a, "good.example.com/acme/builder" + a, hashA, true},
		{"good.example.com/acme/builder" + a, "good.example.com/acme/builder:1", hashA, true},
		{"good.example.com/acme/builder:1" + a, "good.example.com/acme/builder:2", hashA, true},
		{"good.example.com/acme/builder" + a, "good.example.com/acme/builder:1", hashB, false},
		{"good.example.com/acme/builder" + a, "good.example.com/acme/builder" + b, hashB, false},
		{"good.example.com/acme/builder" + a, "good.example.com/acme/builder:1", v1.Hash{}, false},
		{"good.example.com/acme/builder" + a, "evil.example.com/acme/builder" + a, hashA, false},
		// An index that was asked for by digest resolves to the digest of one of its images.
		{"good.example.com/acme/builder" + a, "good.example.com/acme/builder" + a, hashB, true},
	}
	for _, test := range tests {
		ref, err := name.ParseReference(test.builder)
		if err != nil {
			t.Fatal(err)
		}
		verdict := trust.Judge(ref, test.digest, trust.JudgeInput{Listed: trust.List{Builders: []string{test.entry}}})
		if verdict.Trusted != test.want {
			t.Errorf("entry %s, builder %s (%s): %v", test.entry, test.builder, test.digest, verdict)
		}
	}
}

func TestJudgeReasons(t *testing.T) {
	t.Parallel()
	const path = "/etc/pack/config.toml"
	list := trust.List{Builders: []string{"registry.example.com/acme/builder"}, File: path}
	tests := []struct {
		name, builder string
		in            trust.JudgeInput
		want          trust.Verdict
	}{
		{"listed", "registry.example.com/acme/builder:1", trust.JudgeInput{Listed: list},
			trust.Verdict{Trusted: true, Builder: true, Reason: "trusted: listed in " + path + " as registry.example.com/acme/builder"}},
		{"listed and named by the project", "registry.example.com/acme/builder:1", trust.JudgeInput{Listed: list, FromProject: true},
			trust.Verdict{Trusted: true, Builder: true, Reason: "trusted: listed in " + path + " as registry.example.com/acme/builder"}},
		{"known", "heroku/builder:24", trust.JudgeInput{},
			trust.Verdict{Trusted: true, Builder: true, Reason: "trusted: known builder heroku/builder:24"}},
		{"known, whatever tag", "paketobuildpacks/builder-jammy-base:0.4", trust.JudgeInput{Listed: list},
			trust.Verdict{Trusted: true, Builder: true, Reason: "trusted: known builder paketobuildpacks/builder-jammy-base"}},
		{"known elsewhere", "evil.example.com/paketobuildpacks/builder-jammy-base", trust.JudgeInput{},
			trust.Verdict{Reason: "untrusted: neither a known builder nor listed"}},
		{"flag", "acme/b", trust.JudgeInput{Listed: list, TrustBuilderFlag: true},
			trust.Verdict{Trusted: true, Builder: true, Reason: "trusted: --trust-builder"}},
		{"flag for a builder of the project", "acme/b", trust.JudgeInput{Listed: list, TrustBuilderFlag: true, FromProject: true},
			trust.Verdict{Reason: "untrusted: neither a known builder nor listed in " + path + " (--trust-builder does not cover a builder that project.toml names)"}},
		{"named by the project", "acme/b", trust.JudgeInput{Listed: list, FromProject: true},
			trust.Verdict{Reason: "untrusted: neither a known builder nor listed in " + path}},
		{"not listed", "acme/b", trust.JudgeInput{Listed: list},
			trust.Verdict{Reason: "untrusted: neither a known builder nor listed in " + path}},
		{"extra buildpacks", "heroku/builder:24", trust.JudgeInput{ExtraBuildpacksUntrusted: true},
			trust.Verdict{Builder: true, Reason: "untrusted: buildpacks from outside the builder are used (--trust-extra-buildpacks trusts them)"}},
		{"extra buildpacks and the flag", "acme/b", trust.JudgeInput{TrustBuilderFlag: true, ExtraBuildpacksUntrusted: true},
			trust.Verdict{Builder: true, Reason: "untrusted: buildpacks from outside the builder are used (--trust-extra-buildpacks trusts them)"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ref, err := name.ParseReference(test.builder)
			if err != nil {
				t.Fatal(err)
			}
			if got := trust.Judge(ref, hashA, test.in); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestJudgeShortensTheHomeDirectory(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	list := trust.List{Builders: []string{"acme/b"}, File: filepath.Join(home, ".pack", "config.toml")}
	got := trust.Judge(name.MustParseReference("acme/b"), hashA, trust.JudgeInput{Listed: list})
	if want := "trusted: listed in ~/.pack/config.toml as acme/b"; got.Reason != want {
		t.Errorf("got %q, want %q", got.Reason, want)
	}
}

func TestJudgeIgnoresEntriesThatAreNoReferences(t *testing.T) {
	t.Parallel()
	list := trust.List{Builders: []string{"NO REFERENCE", "", "acme/b"}}
	if got := trust.Judge(name.MustParseReference("acme/b"), hashA, trust.JudgeInput{Listed: list}); !got.Trusted {
		t.Error(got)
	}
	if got := trust.Judge(name.MustParseReference("acme/c"), hashA, trust.JudgeInput{Listed: list}); got.Trusted {
		t.Error(got)
	}
}

func TestKnownBuilders(t *testing.T) {
	t.Parallel()
	known := trust.KnownBuilders()
	if !slices.IsSorted(known) {
		t.Error("not sorted")
	}
	for _, builder := range known {
		ref, err := name.ParseReference(builder)
		if err != nil {
			t.Fatal(err)
		}
		if got := trust.Judge(ref, hashA, trust.JudgeInput{}); !got.Trusted {
			t.Errorf("%s: %s", builder, got.Reason)
		}
	}
	known[0] = "evil/builder"
	if trust.KnownBuilders()[0] == "evil/builder" {
		t.Error("the list can be changed from outside")
	}
}

// FuzzJudge checks that trust never crosses a host or a repository, by another
// way of reading references than the one under test.
func FuzzJudge(f *testing.F) {
	f.Add("good.example.com/acme/builder", "evil.example.com/acme/builder")
	f.Add("acme/builder", "docker.io/acme/builder:1")
	f.Add("DOCKER.IO/builder", "builder")
	f.Add("localhost:5000/b@sha256:"+hashA.Hex, "localhost:5000/b:1")
	f.Fuzz(func(t *testing.T, entry, builder string) {
		ref, err := name.ParseReference(builder)
		if err != nil {
			return
		}
		known := trust.Judge(ref, hashA, trust.JudgeInput{})
		got := trust.Judge(ref, hashA, trust.JudgeInput{Listed: trust.List{Builders: []string{entry}}})
		if known.Trusted || !got.Trusted {
			return
		}
		if a, b := repositoryOf(entry), repositoryOf(builder); a != b {
			t.Errorf("entry %q (%s) trusts %q (%s)", entry, a, builder, b)
		}
	})
}

// repositoryOf reads host and repository off a valid reference.
func repositoryOf(s string) string {
	s, _, _ = strings.Cut(s, "@")
	if i := strings.LastIndex(s, ":"); i > strings.LastIndex(s, "/") {
		s = s[:i]
	}
	host, path, ok := strings.Cut(s, "/")
	if !ok || host != "localhost" && !strings.ContainsAny(host, ".:") {
		host, path = "docker.io", s
	}
	host = strings.ToLower(host)
	if host == "index.docker.io" {
		host = "docker.io"
	}
	if host == "docker.io" && !strings.Contains(path, "/") {
		path = "library/" + path
	}
	return host + "/" + path
}
