package docker

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// onBase returns a Dockerfile with its FROM replaced by the given instructions,
// and whether it has any use for files.
//
// Dockerfiles come from code that need not be trusted, and some daemons have
// credentials of their own. So whatever would have the daemon fetch another image
// is refused, and what daemons understand in different ways.
func onBase(dockerfile []byte, instructions ...string) (changed []byte, files bool, err error) {
	parsed, err := parser.Parse(bytes.NewReader(dockerfile))
	if err != nil {
		return nil, false, err
	}
	var from *parser.Node
	for _, node := range parsed.AST.Children {
		if err := allowed(node); err != nil {
			return nil, false, fmt.Errorf("line %d: %w", node.StartLine, err)
		}
		switch strings.ToLower(node.Value) {
		case "from":
		case "copy", "add":
			files = true
			continue
		default:
			continue
		}
		if from != nil {
			return nil, false, fmt.Errorf("line %d: a second FROM", node.StartLine)
		}
		from = node
	}
	if from == nil {
		return nil, false, errors.New("no FROM")
	}
	lines := slices.Collect(strings.Lines(string(dockerfile)))
	lines = slices.Concat(lines[:from.StartLine-1], []string{strings.Join(instructions, "\n") + "\n"}, lines[from.EndLine:])
	return []byte(strings.Join(lines, "")), files, nil
}

// allowed fails for an instruction that an image extension cannot use here.
func allowed(node *parser.Node) error {
	if len(node.Heredocs) > 0 {
		return errors.New("here-documents are not supported")
	}
	instruction := strings.ToUpper(node.Value)
	if instruction == "ONBUILD" {
		return errors.New("ONBUILD is not for image extensions")
	}
	for _, flag := range node.Flags {
		name, _, _ := strings.Cut(strings.ToLower(flag), "=")
		if name == "--from" || name == "--mount" {
			return fmt.Errorf("%s %s is not supported", instruction, name)
		}
	}
	return nil
}
