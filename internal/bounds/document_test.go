package bounds

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// nested is a JSON document of so many levels.
func nested(levels int) string {
	return strings.Repeat(`{"a":`, levels) + "1" + strings.Repeat("}", levels)
}

// layers is a label that names so many layers.
func layers(n int) string {
	var b strings.Builder
	b.WriteString(`{"buildpacks":[{"key":"some/buildpack","version":"1.2.3","layers":{`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"layer-%d":{"sha":"sha256:%064d","data":{"version":"%d"},"build":true,"launch":false,"cache":true}`, i, i, i)
	}
	b.WriteString(`}}]}`)
	return b.String()
}

// wide is a document of long paths: JSON of some hundred kB that is gigabytes as
// TOML.
func wide(levels, key, tables int) string {
	var b strings.Builder
	for i := range levels {
		fmt.Fprintf(&b, `{"%0*d":`, key, i)
	}
	b.WriteByte('{')
	for i := range tables {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"%d":{}`, i)
	}
	b.WriteString(strings.Repeat("}", levels+1))
	return b.String()
}

func TestJSON(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, document string
		over           bool
	}{
		{"empty", "", false},
		{"a number", "1", false},
		{"as deep as may be", nested(MaxDepth), false},
		{"deeper", nested(MaxDepth + 1), true},
		{"9,000 levels", nested(9000), true},
		{"lists of lists", strings.Repeat("[", 9000), true},
		{"brackets in a text", `{"a":"` + strings.Repeat("[{", 9000) + `"}`, false},
		{"a quotation mark in a text", `{"a":"\"` + strings.Repeat("[{", 9000) + `"}`, false},
		{"a backslash at the end of a text", `{"a":"\\","b":` + nested(9000) + `}`, true},
		{"20,000 layers", layers(20_000), false},
		{"100,000 layers", layers(100_000), true},
		{"many small values", "[" + strings.Repeat("{},", MaxValues) + "{}]", true},
		{"long paths", wide(30, 1000, 20_000), true},
		{"large", `"` + strings.Repeat("x", MaxDocument) + `"`, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got any
			err := JSON([]byte(test.document), &got)
			if over := errors.Is(err, ErrExceeded); over != test.over {
				t.Errorf("got %v", err)
			}
			if test.over && got != nil {
				t.Error("it was read all the same")
			}
		})
	}
}

func TestTOML(t *testing.T) {
	t.Parallel()
	dotted := strings.Repeat("a.", 9000) + "a"
	for _, test := range []struct {
		name, document string
		over           bool
	}{
		{"empty", "", false},
		{"lists", "a = " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000), true},
		{"inline tables", strings.Repeat("a = {", 9000) + strings.Repeat("}", 9000), true},
		{"a dotted key", dotted + " = 1", true},
		{"a dotted header", "[" + dotted + "]", true},
		{"the header of a list", "[[" + dotted + "]]", true},
		{"dotted keys in inline tables", strings.Repeat("a.b.c.d.e.f.g.h = {", 9) + strings.Repeat("}", 9), true},
		{"a header and keys below it", "[" + strings.Repeat("a.", 40) + "a]\n" + strings.Repeat("b.", 40) + "b = 1", true},
		{"one header after the other", strings.Repeat("[a.b.c.d]\nx.y = 1\n", 1000), false},
		{"numbers in a list", "a = [" + strings.Repeat("1.5, ", 1000) + "]\n[b]", false},
		{"lists of numbers", "a = [\n" + strings.Repeat("[1.5],\n", 1000) + "]\n[b]", false},
		{"brackets in texts", "a = '" + strings.Repeat("[", 9000) + "'\nb = \"\\\"" + strings.Repeat("{", 9000) + "\"", false},
		{"brackets in long texts", "a = '''\n" + strings.Repeat("[\n", 9000) + "'''\nb = \"\"\"\n" + strings.Repeat("{\n", 9000) + "\"\"\"", false},
		{"brackets in comments", "# " + strings.Repeat("[", 9000) + "\na = 1 # '''\n", false},
		{"many values", "a = [" + strings.Repeat("1,", MaxValues+1) + "]", true},
		{"large", "# " + strings.Repeat("x", MaxDocument), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := CheckTOML(test.document)
			if over := errors.Is(err, ErrExceeded); over != test.over {
				t.Errorf("got %v", err)
			}
		})
	}
}

// depth is how deep a value nests.
func depth(v any) int {
	deepest := 0
	switch v := v.(type) {
	case map[string]any:
		for _, one := range v {
			deepest = max(deepest, depth(one))
		}
	case []any:
		for _, one := range v {
			deepest = max(deepest, depth(one))
		}
	case []map[string]any:
		for _, one := range v {
			deepest = max(deepest, depth(one))
		}
	default:
		return 0
	}
	return deepest + 1
}

// FuzzJSON looks for documents that are deeper than what was checked, or longer
// when they are written as TOML.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{nested(3), nested(70), layers(2), wide(3, 10, 4), `{"a":"\\","b":[{"c":"\""}]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var got any
		if JSON(data, &got) != nil {
			return
		}
		if d := depth(got); d > MaxDepth {
			t.Errorf("%d levels passed", d)
		}
		if _, ok := got.(map[string]any); !ok {
			return
		}
		var out bytes.Buffer
		if toml.NewEncoder(&out).Encode(got) == nil && out.Len() > MaxUnfolded+8*len(data) {
			t.Errorf("%d bytes became %d", len(data), out.Len())
		}
	})
}

// FuzzTOML does the same for TOML, whose tables have a level more: the document.
func FuzzTOML(f *testing.F) {
	for _, seed := range []string{"[a.b]\nc = 1\n", "[[a]]\nb = [{c.d = 1}, {}]\n", "a = '''\n['''\nb.c = \"\\\"[\" # ["} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		got := map[string]any{}
		if _, err := TOML(content, &got); err != nil {
			return
		}
		// The lists of [[a.b]] are not counted.
		if d := depth(got); d > 2*MaxDepth+1 {
			t.Errorf("%d levels passed", d)
		}
	})
}

// BenchmarkCheckJSON shows what the check adds to reading a label.
func BenchmarkCheckJSON(b *testing.B) {
	data := []byte(layers(20_000))
	b.Run("check", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if err := CheckJSON(data); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("unmarshal", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			var got any
			if err := json.Unmarshal(data, &got); err != nil {
				b.Fatal(err)
			}
		}
	})
}
