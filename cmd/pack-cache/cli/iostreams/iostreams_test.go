package iostreams

import (
	"fmt"
	"testing"
)

func TestWantsColor(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		env      map[string]string
		terminal bool
		want     bool
	}{
		{"terminal", nil, true, true},
		{"file", nil, false, false},
		{"NO_COLOR", map[string]string{"NO_COLOR": "1"}, true, false},
		{"NO_COLOR before force", map[string]string{"NO_COLOR": "1", "CLICOLOR_FORCE": "1"}, true, false},
		{"empty NO_COLOR", map[string]string{"NO_COLOR": ""}, true, true},
		{"dumb terminal", map[string]string{"TERM": "dumb"}, true, false},
		{"forced", map[string]string{"CLICOLOR_FORCE": "1", "TERM": "dumb"}, false, true},
		{"not forced", map[string]string{"CLICOLOR_FORCE": "0"}, false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := wantsColor(func(key string) string { return test.env[key] }, func() bool { return test.terminal })
			if got != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestStreams(t *testing.T) {
	t.Parallel()
	streams, out, err := Test()
	fmt.Fprint(streams.Out, "result")
	fmt.Fprint(streams.Err, "the rest")
	if out.String() != "result" || err.String() != "the rest" || streams.Color() {
		t.Error(out, err, streams.Color())
	}
	if s := System(); s.In == nil || s.Out == nil || s.Err == nil {
		t.Error(s)
	}
}
