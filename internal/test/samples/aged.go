package samples

import (
	"fmt"
	"strconv"
	"strings"
)

// firstTargets is the first Buildpack API 0.N that knows targets instead of stacks.
const firstTargets = 10

// readAged reads the buildpack that speaks a given Buildpack API, as 0.N. It says
// what it is for as was usual then: a stack, or targets.
func readAged(api, stackID string) (buildpack, error) {
	minor, err := strconv.Atoi(strings.TrimPrefix(api, "0."))
	if err != nil {
		return buildpack{}, fmt.Errorf("no Buildpack API 0.N: %q", api)
	}
	b, err := readBuildpack("tiny/aged", false)
	if err != nil {
		return b, err
	}
	b.speak(api)
	id := b.descriptor.Buildpack.ID
	b.descriptor.Buildpack.ID = id + "-" + api
	made := "[[stacks]]\nid = \"" + stackID + "\"\n"
	if minor >= firstTargets {
		made = "[[targets]]\nos = \"linux\"\n"
	}
	text := strings.Replace(string(b.files["buildpack.toml"]), id, b.descriptor.Buildpack.ID, 1)
	b.files["buildpack.toml"] = []byte(text + "\n" + made)
	return b, nil
}

// speak has the buildpack say that it speaks another Buildpack API.
func (b *buildpack) speak(api string) {
	text := strings.Replace(string(b.files["buildpack.toml"]), `api = "`+b.descriptor.API+`"`, `api = "`+api+`"`, 1)
	b.files["buildpack.toml"], b.descriptor.API = []byte(text), api
}
