package build

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/lifecycle"
)

// engine is an engine that is nothing but its traits.
type engine struct {
	lifecycle.Engine
	name, where string
}

func (e engine) Traits() lifecycle.Traits { return lifecycle.Traits{Name: e.name, Where: e.where} }

func TestEngines(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		engines []lifecycle.Engine
		names   []string
		help    string
	}{
		{
			[]lifecycle.Engine{engine{name: "inside", where: "in the builder image"}, engine{name: "own", where: "in an own image"}, engine{name: "here"}, engine{name: "there"}},
			[]string{"auto", "inside", "own", "here", "there"},
			"what gives the phases a place to run: auto, here, there, inside (in the builder image) or own (in an own image)",
		},
		{[]lifecycle.Engine{engine{name: "there"}}, []string{"auto", "there"}, "what gives the phases a place to run: auto or there"},
	} {
		if diff := cmp.Diff(test.names, engineNames(test.engines)); diff != "" {
			t.Errorf("names (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(test.help, engineHelp(test.engines)); diff != "" {
			t.Errorf("help (-want +got):\n%s", diff)
		}
	}
}
