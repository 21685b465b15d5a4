package phases

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/redact"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/kinds"
	"github.com/pack-cache/pack-cache/layers/ocidir"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/trust"
)

// enemy is a place in which a phase says what somebody else makes it say.
type enemy struct {
	lifecycle.Place
	says string
	// stays has it wait for its end after that.
	stays bool
}

func (e enemy) Run(ctx context.Context, _ lifecycle.Phase, streams lifecycle.Streams) error {
	if _, err := bufio.NewReader(streams.Stdin).ReadBytes('\n'); err != nil {
		return err
	}
	io.WriteString(streams.Stdout, e.says)
	if e.stays {
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

const (
	digestA  = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	exported = `{"output":{"digest":"` + digestA + `","seconds":1,"caches":[{"to":"x","failed":"no","required":false,"changed":false,"sent_bytes":0,"seconds":0}]}}` + "\n"
)

var exportInput = ExportInput{Image: "r.example.com/app", Known: KnownImages{Registry: true}, Exports: []kinds.Export{{Location: kinds.Directory("/the cache", ""), Required: true}}}

// TestForgedConversation has a phase break the rules of the conversation, or give
// a result that cannot be right. None is believed, and each ends the phase.
func TestForgedConversation(t *testing.T) {
	t.Parallel()
	caches := func(text string) string {
		return `{"output":{"digest":"` + digestA + `","seconds":1,"caches":[` + text + `]}}` + "\n"
	}
	for name, test := range map[string]struct{ says, want string }{
		"nothing":                     {"", "no result"},
		"half a message":              {`{"output":`, "no result"},
		"no JSON":                     {"build: hello\n", "cannot be read"},
		"two results in a line":       {strings.TrimSpace(exported) + exported, "more than one value"},
		"two results":                 {exported + exported, "after the last message"},
		"a result after an error":     {`{"error":{"phase":"export","message":"m","code":62}}` + "\n" + exported, "after the last message"},
		"a result and an error":       {`{"output":{},"error":{"phase":"export","message":"m","code":62}}` + "\n", "several things"},
		"an empty message":            {"{}\n", "says nothing"},
		"an unknown field":            {`{"outptu":{}}` + "\n", "unknown field"},
		"an unknown field inside":     {`{"output":{"digest":"` + digestA + `","seconds":1,"more":1}}` + "\n", "unknown field"},
		"an endless message":          {`{"output":"` + strings.Repeat("x", maxMessage+1), "more than"},
		"a question without a number": {`{"question":{"id":0,"keys":"x"}}` + "\n", "asked twice"},
		"no digest":                   {`{"output":{"seconds":1}}` + "\n", "no digest"},
		"a digest that is none":       {strings.Replace(exported, digestA, "sha256:../../etc", 1), "cannot be right"},
		"caches missing":              {caches(""), "0 exports of 1"},
		"caches in excess":            {caches(`{"failed":"a"},{"failed":"b"}`), "2 exports of 1"},
		"a cache neither saved":       {caches(`{}`), "neither saved nor refused"},
		"a status that is none":       {caches(`{"failed":"a","layers":[{"layer":"l","status":"stolen"}]}`), `"stolen"`},
		"less than nothing":           {caches(`{"failed":"a","layers":[{"layer":"l","status":"added","sent_bytes":-1}]}`), "negative size"},
		"null":                        {`{"output":null}` + "\n", "no digest"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out ExportOutput
			err := Run(t.Context(), Call{Place: enemy{says: test.says}, Phase: lifecycle.Phase{Name: lifecycle.Export}}, exportInput, &out)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

// published says that an image is in its registry.
func published(digest string) string {
	return fmt.Sprintf(`{"question":{"id":1,"published":%q}}`+"\n", digest)
}

// TestForgedDigest tells of an app image that is not where it belongs.
func TestForgedDigest(t *testing.T) {
	t.Parallel()
	other := strings.ReplaceAll(digestA, "a", "b")
	for name, test := range map[string]struct {
		says string
		fine bool
	}{
		"seen":                     {published(digestA) + exported, true},
		"never looked for":         {exported, false},
		"not there":                {published(other) + strings.ReplaceAll(exported, digestA, other), false},
		"another one than is told": {published(digestA) + strings.ReplaceAll(exported, digestA, other), false},
		"with an id":               {published(digestA) + strings.ReplaceAll(exported, `"seconds":1,`, `"image_id":"x","seconds":1,`), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out ExportOutput
			err := Run(t.Context(), Call{
				Place: enemy{says: test.says}, Phase: lifecycle.Phase{Name: lifecycle.Export},
				Published: func(_ context.Context, digest string) error {
					if digest != digestA {
						return errors.New("it is not there")
					}
					return nil
				},
			}, exportInput, &out)
			failed, ok := errors.AsType[*Error](err)
			if (err == nil) != test.fine || err != nil && (!ok || failed.Code != 62 || failed.Hint() == "") {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestBrokenPhaseIsEnded has a phase stay that has broken the rules.
func TestBrokenPhaseIsEnded(t *testing.T) {
	t.Parallel()
	var out ExportOutput
	err := Run(t.Context(), Call{Place: enemy{says: "{}\n", stays: true}, Phase: lifecycle.Phase{Name: lifecycle.Export}}, exportInput, &out)
	if err == nil || !strings.Contains(err.Error(), "was ended") {
		t.Error(err)
	}
}

// TestForgedWords has a phase write to the terminal and tell how it failed.
func TestForgedWords(t *testing.T) {
	t.Parallel()
	run := func(says string) (ExportOutput, error) {
		var out ExportOutput
		err := Run(t.Context(), Call{
			Place: enemy{says: says}, Phase: lifecycle.Phase{Name: lifecycle.Export},
			Published: func(context.Context, string) error { return nil },
		}, exportInput, &out)
		return out, err
	}
	_, err := run(`{"error":{"phase":"build","message":"a\u001b[2Jb\u202ec\nd","advice":"\u009b1m","code":-3,"trouble":{"host":"h\u0007","said":"\u0000"}}}` + "\n")
	failed, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatal(err)
	}
	if failed.Phase != lifecycle.Export || failed.Code != codeOf(lifecycle.Export) {
		t.Errorf("phase %s, code %d", failed.Phase, failed.Code)
	}
	if failed.Message != "a\uFFFD[2Jb\uFFFDc\nd" || failed.Advice != "\uFFFD1m" || failed.Trouble.Host != "h\uFFFD" || failed.Trouble.Said != "\uFFFD" {
		t.Errorf("it says %+v, %+v", failed, failed.Trouble)
	}
	out, err := run(published(digestA) + strings.Replace(exported, `"no"`, `"\u001b]0;owned\u0007"`, 1))
	if err != nil {
		t.Fatal(err)
	}
	if got := out.Caches[0]; got.Failed != "\uFFFD]0;owned\uFFFD" || !got.Required || got.To != "/the cache:latest" {
		t.Errorf("the cache is %+v", got)
	}
}

// TestForgedRestore is about results of restore.
func TestForgedRestore(t *testing.T) {
	t.Parallel()
	in := RestoreInput{Imports: []kinds.Import{{Location: kinds.Directory("/one", "")}}}
	for name, test := range map[string]struct{ says, want string }{
		"more imports than there are": {`{"output":{"imports":[{"from":"a"},{"from":"b"}]}}`, "2 imports of 1"},
		"no digest":                   {`{"output":{"imports":[{"from":"a","digest":"latest"}]}}`, "cannot be right"},
		"too many layers":             {`{"output":{"imports":[{"from":"a"}],"layers":[` + strings.Repeat("{},", maxLayers) + `{}]}}`, "100001 layers"},
		"fine":                        {`{"output":{"imports":[{"from":"a\u001b"}]}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out RestoreOutput
			err := Run(t.Context(), Call{Place: enemy{says: test.says + "\n"}, Phase: lifecycle.Phase{Name: lifecycle.Restore}}, in, &out)
			if test.want == "" {
				if err != nil || out.Imports[0].From != "/one:latest" {
					t.Error(out, err)
				}
			} else if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

// TestForgedQuestions asks for what a phase has no right to.
func TestForgedQuestions(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	imported, kept := ocidir.New(ocidir.Config{Dir: t.TempDir()}), ocidir.New(ocidir.Config{Dir: t.TempDir()})
	loans := map[string]Lending{"import 1": {Store: imported, Name: "main"}, "export 1": {Store: kept, Name: "main", Write: true}}
	logins := map[string]kinds.Login{"import 2": func(context.Context) (redact.Secret, error) { return redact.NewSecret("{}"), nil }}
	good := newLoan()
	in := func(phase lifecycle.Name) *conversation {
		return &conversation{
			phase: phase, logins: logins, apps: noApps{t},
			lender: lender{fakePlace{state: state}, loans, phase == lifecycle.Export},
		}
	}
	loan := func(q loanQuestion) question { return question{Loan: &q} }
	file := func(q loanQuestion, name string) question { q.File = name; return loan(q) }
	push := loanQuestion{ID: "export 1", Do: loanPush}
	fetch := loanQuestion{ID: "import 1", Do: loanFetch, Length: 1, Blob: loanBlob{Digest: digestA, Size: 1}}
	save := question{Apps: &appsQuestion{Save: &saveApp{Config: []byte(`{"rootfs":{"diff_ids":["` + digestA + `"]}}`), Files: map[string]layerFile{digestA: {Path: "../etc/shadow", Size: 1}}}}}
	for name, test := range map[string]struct {
		phase lifecycle.Name
		asks  question
		want  string
	}{
		"commit to an import":                   {lifecycle.Export, loan(loanQuestion{ID: "import 1", Do: loanCommit, Name: "main", Data: []byte("{}")}), "only read"},
		"push to an import":                     {lifecycle.Export, loan(loanQuestion{ID: "import 1", Do: loanPush, File: good}), "only read"},
		"commit in restore":                     {lifecycle.Restore, loan(loanQuestion{ID: "export 1", Do: loanCommit, Name: "main", Data: []byte("{}")}), "only read"},
		"push in analyze":                       {lifecycle.Analyze, loan(push), "only read"},
		"commit to another name":                {lifecycle.Export, loan(loanQuestion{ID: "export 1", Do: loanCommit, Name: "other", Data: []byte("{}")}), "not for this phase"},
		"resolve another name":                  {lifecycle.Restore, loan(loanQuestion{ID: "import 1", Do: loanResolve, Name: "other"}), "not for this phase"},
		"a loan that is not lent":               {lifecycle.Restore, loan(loanQuestion{ID: "import 3", Do: loanResolve, Name: "main"}), `no loan of "import 3"`},
		"something else":                        {lifecycle.Export, loan(loanQuestion{ID: "export 1", Do: "prune"}), "cannot be asked"},
		"push a file of another place":          {lifecycle.Export, file(push, "../../etc/shadow"), "is not a file of a loan"},
		"push a file of the state":              {lifecycle.Export, file(push, "report.toml"), "is not a file of a loan"},
		"push a directory above":                {lifecycle.Export, file(push, "loans/.."), "is not a file of a loan"},
		"fetch onto an absolute path":           {lifecycle.Restore, file(fetch, "/loans/"+good[len("loans/"):]), "is not a file of a loan"},
		"fetch more than a piece":               {lifecycle.Restore, loan(loanQuestion{ID: "import 1", Do: loanFetch, File: good, Length: 1 << 40, Blob: loanBlob{Digest: digestA, Size: 1 << 40}}), "cannot be had"},
		"fetch before the beginning":            {lifecycle.Restore, loan(loanQuestion{ID: "import 1", Do: loanFetch, File: good, Offset: -1, Length: 1}), "cannot be had"},
		"a digest that is none":                 {lifecycle.Restore, loan(loanQuestion{ID: "import 1", Do: loanRead, Blob: loanBlob{Digest: "sha256:x", Size: 1}}), "hash"},
		"a media type without end":              {lifecycle.Export, loan(loanQuestion{ID: "export 1", Do: loanCommit, Name: "main", MediaType: strings.Repeat("x", 300)}), "media type"},
		"an image that is published in restore": {lifecycle.Restore, question{Published: digestA}, "publishes nothing"},
		"another phase's keys":                  {lifecycle.Restore, question{Keys: "export 1"}, `no keys to "export 1"`},
		"keys that are not there":               {lifecycle.Restore, question{Keys: "import -1"}, `no keys to "import -1"`},
		"a grant where there is none":           {lifecycle.Restore, question{RenewGrant: true}, "no grant"},
		"detected in export":                    {lifecycle.Export, question{Detected: true}, "does not wait"},
		"several things":                        {lifecycle.Restore, question{Detected: true, RenewGrant: true}, "exactly one thing"},
		"an app image in restore":               {lifecycle.Restore, save, "only export"},
		"an app image with foreign files":       {lifecycle.Export, save, "is not a layer"},
		"a layer onto another file":             {lifecycle.Analyze, question{Apps: &appsQuestion{Layer: digestA, File: "report.toml"}}, "is not a file of a loan"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := in(test.phase).answer(t.Context(), test.asks)
			if a.Refusal == nil || !strings.Contains(a.Refusal.Message, test.want) {
				t.Errorf("answer %+v, want %q", a.Refusal, test.want)
			}
		})
	}
	t.Run("what export may", func(t *testing.T) {
		if err := os.WriteFile(state+"/"+func() string { os.Mkdir(state+"/loans", 0o700); return good }(), []byte("blob"), 0o600); err != nil {
			t.Fatal(err)
		}
		if a := in(lifecycle.Export).answer(t.Context(), file(push, good)); a.Refusal != nil || a.Loan.Blob.Size != 4 {
			t.Errorf("answer %+v", a.Refusal)
		}
	})
}

// noApps fails a test in which it is asked to save.
type noApps struct{ t *testing.T }

func (noApps) Layer(context.Context, v1.Hash) (io.ReadCloser, error) { return nil, layers.ErrNotFound }

func (a noApps) Save(context.Context, App) (Saved, error) {
	a.t.Error("an image was saved")
	return Saved{}, nil
}

// TestManyQuestions asks without end, of questions and of grants.
func TestManyQuestions(t *testing.T) {
	t.Parallel()
	var says strings.Builder
	for i := range maxOpen + 1 {
		fmt.Fprintf(&says, `{"question":{"id":%d,"detected":true}}`+"\n", i+1)
	}
	var out RestoreOutput
	call := Call{Place: enemy{says: says.String(), stays: true}, Phase: lifecycle.Phase{Name: lifecycle.Restore}, Detected: func(ctx context.Context) (Detected, error) {
		<-ctx.Done()
		return Detected{}, ctx.Err()
	}}
	if err := Run(t.Context(), call, RestoreInput{}, &out); err == nil || !strings.Contains(err.Error(), "at once") {
		t.Error(err)
	}
	synctest.Test(t, func(t *testing.T) {
		made := 0
		r := renewals{renew: func(context.Context) (*trust.Grant, error) { made++; return &trust.Grant{}, nil }}
		for range 10 * atFirst {
			_, _ = r.next(t.Context())
		}
		if made != atFirst {
			t.Errorf("%d grants at once", made)
		}
		time.Sleep(time.Second)
		if _, err := r.next(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// FuzzConversation has a phase say anything.
func FuzzConversation(f *testing.F) {
	for _, seed := range []string{exported, "{}\n", `{"question":{"id":1,"loan":{"number":1,"do":"commit","name":"main"}}}` + "\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, says string) {
		var out ExportOutput
		err := Run(t.Context(), Call{Place: enemy{says: says}, Phase: lifecycle.Phase{Name: lifecycle.Export}}, exportInput, &out)
		if text, _ := json.Marshal(out); err == nil && (out.Digest == "" || strings.Contains(string(text), `\u001b`)) {
			t.Errorf("believed: %s", text)
		}
	})
}
