package caches

import (
	"os"
	"regexp"
	"strings"
	"unsafe"

	"github.com/pack-cache/pack-cache/layers/kinds"
)

// HideArguments takes the values of secret attributes out of what other processes
// see of this one's arguments: in a container, a buildpack may be one of them.
// os.Args keeps them. It is called before anything else keeps a part of os.Args.
func HideArguments() {
	secret := secretAttributes()
	for i, arg := range os.Args {
		os.Args[i] = strings.Clone(arg)
		if len(arg) > 0 {
			// Where there are no such arguments in memory, it is a copy of them.
			hide(unsafe.Slice(unsafe.StringData(arg), len(arg)), secret)
		}
	}
}

// secretAttributes finds the values of secret attributes in an argument. A value
// with a comma is in quotes, with its attribute.
func secretAttributes() *regexp.Regexp {
	var names []string
	for _, name := range kinds.Secrets() {
		names = append(names, regexp.QuoteMeta(name))
	}
	any := "(?:" + strings.Join(names, "|") + ")"
	return regexp.MustCompile(`(?i)"\s*` + any + `=([^"]*)|(?:^|[,=])\s*` + any + `=([^,"]*)`)
}

// hide overwrites what an expression finds in an argument.
func hide(arg []byte, secret *regexp.Regexp) {
	for _, found := range secret.FindAllSubmatchIndex(arg, -1) {
		for group := 2; group < len(found); group += 2 {
			for at := max(found[group], 0); at < found[group+1]; at++ {
				arg[at] = '*'
			}
		}
	}
}
