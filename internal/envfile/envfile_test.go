package envfile_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/envfile"
)

func TestParse(t *testing.T) {
	t.Parallel()
	given := func(name, value string, line int) envfile.Variable {
		return envfile.Variable{Name: name, Value: value, Given: true, Line: line}
	}
	for name, test := range map[string]struct {
		text string
		want []envfile.Variable
		says string
	}{
		"plain":                  {text: "A=1\nB=two words\n\n# C=3\n  D=4  \nE=", want: []envfile.Variable{given("A", "1", 1), given("B", "two words", 2), given("D", "4", 5), given("E", "", 6)}},
		"byte order mark":        {text: "\ufeffA=1", want: []envfile.Variable{given("A", "1", 1)}},
		"CRLF":                   {text: "A=1\r\nB=\"x\r\ny\"\r\nC\r\n", want: []envfile.Variable{given("A", "1", 1), given("B", "x\ny", 2), {Name: "C", Line: 4}}},
		"export":                 {text: "export A=1\nexport\tB = 2\nexport C\nexported=3", want: []envfile.Variable{given("A", "1", 1), given("B", "2", 2), {Name: "C", Line: 3}, given("exported", "3", 4)}},
		"a variable named so":    {text: "export=1", want: []envfile.Variable{given("export", "1", 1)}},
		"blanks":                 {text: "A = 1\nB\t=\t2", want: []envfile.Variable{given("A", "1", 1), given("B", "2", 2)}},
		"several lines":          {text: "A=\"line one\nline two\"\nB='x\n\ny' # z\nC=3", want: []envfile.Variable{given("A", "line one\nline two", 1), given("B", "x\n\ny", 3), given("C", "3", 6)}},
		"quotes":                 {text: `A="x y" # z` + "\n" + `B='$HOME "x" \n'` + "\n" + `C="say \"hi\"\n\d"`, want: []envfile.Variable{given("A", "x y", 1), given("B", `$HOME "x" \n`, 2), given("C", "say \"hi\"\n\\d", 3)}},
		"quotes within":          {text: `A={"a": "b"}` + "\n" + `B=it's`, want: []envfile.Variable{given("A", `{"a": "b"}`, 1), given("B", "it's", 2)}},
		"comments":               {text: "A=1 # one\nB=a#b\nC=#c\nD # from here", want: []envfile.Variable{given("A", "1", 1), given("B", "a#b", 2), given("C", "#c", 3), {Name: "D", Line: 4}}},
		"nothing is replaced":    {text: "A=$HOME ${B} $$", want: []envfile.Variable{given("A", "$HOME ${B} $$", 1)}},
		"twice":                  {text: "A=1\nA=2", want: []envfile.Variable{given("A", "1", 1), given("A", "2", 2)}},
		"odd names":              {text: "a.b-c=1\n1A=2", want: []envfile.Variable{given("a.b-c", "1", 1), given("1A", "2", 2)}},
		"no closing quote":       {text: "A=1\nB=\"secret\nC=3", says: `line 2: the value of B has no closing "`},
		"after the quote":        {text: `A="secret"b`, says: `line 1: there is something after the value of A; a " within it is written \"`},
		"blank in a name":        {text: "\n\nA B=1", says: `line 3: what stands before the = cannot be the name of a variable`},
		"line of a value":        {text: "KEY=-----BEGIN\nMIIE+x/", says: `line 2: there is no =, and it is not the name of a variable`},
		"no name":                {text: "=1", says: "line 1: what stands before the = cannot be the name of a variable"},
		"a path for a name":      {text: "../A=1", says: `line 1: what stands before the = cannot be the name of a variable`},
		"YAML":                   {text: "A:1", says: `line 1: there is no =, and it is not the name of a variable`},
		"YAML with a blank":      {text: "A: 1", says: `line 1: there is no =, and it is not the name of a variable`},
		"UTF-16":                 {text: "A=1\n\xff\xfeB\x00=\x00", says: "line 2: it is not UTF-8 text"},
		"UTF-16 within a quoted": {text: "A=\"1\n\xff\"", says: "line 1: it is not UTF-8 text"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := envfile.Parse(test.text)
			if test.says != "" {
				if err == nil || err.Error() != test.says {
					t.Errorf("got %v, %v; want %s", got, err, test.says)
				}
				return
			}
			if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
}

// FuzzParse reads anything, and shows no value in an error.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"A=1\n", "export A=\"x\ny\" # z", "A='", "\ufeffA = 1\r\nB", "=", "A=\\"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, err := envfile.Parse(text)
		if err != nil {
			return
		}
		for _, v := range all {
			if envfile.CheckName(v.Name) != nil || v.Line < 1 || v.Line > strings.Count(text, "\n")+1 {
				t.Errorf("%q gives %+v", text, v)
			}
		}
	})
}
