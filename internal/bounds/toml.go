package bounds

import (
	"strings"

	"github.com/BurntSushi/toml"
)

// TOML is toml.Decode for a document that may have been written by an enemy. It
// returns an *Error if the document is over a bound, and then into is as it was.
func TOML(content string, into any) (toml.MetaData, error) {
	if err := CheckTOML(content); err != nil {
		return toml.MetaData{}, err
	}
	return toml.Decode(content, into)
}

// CheckTOML returns an *Error if a document is over a bound. It takes no notice of
// what else may be wrong with it.
func CheckTOML(content string) error {
	if err := fits(len(content)); err != nil {
		return err
	}
	c := tomlChecker{rest: content}
	for len(c.rest) > 0 {
		if err := c.step(); err != nil {
			return err
		}
	}
	return nil
}

// tomlChecker walks a document. A dotted key opens one table for each of its
// dots; they end with the value or, in the header of a table, with the next
// header.
type tomlChecker struct {
	tally
	rest string
	// key is the length of the last part of a key, parts are those before it.
	key   int
	parts []int
	// brackets are the open ones: for each, how many tables it has opened.
	brackets []int
	// header says that the line began with a bracket, table how many tables the
	// last header has opened.
	header, inLine bool
	table          int
	// valued says that the value of the last key is being read, dotted how many
	// tables that key has opened.
	valued bool
	dotted int
}

func (c *tomlChecker) step() error {
	switch first := c.rest[0]; first {
	case '#':
		end := strings.IndexByte(c.rest, '\n')
		if end < 0 {
			end = len(c.rest)
		}
		c.rest = c.rest[end:]
		return nil
	case '"', '\'':
		n := quoted(c.rest)
		c.key += n
		c.inLine = true
		c.rest = c.rest[n:]
		return nil
	default:
		c.rest = c.rest[1:]
		return c.take(first)
	}
}

// take takes one byte that is outside of texts and comments.
func (c *tomlChecker) take(b byte) error {
	switch b {
	case '\n':
		c.endLine()
		return nil
	case ' ', '\t', '\r':
		return nil
	case '[':
		if !c.inLine && len(c.brackets) == 0 { // the header of a table, or of one in a list
			c.closeAll(c.table)
			c.table, c.header, c.inLine = 0, true, true
			return c.value()
		}
		if c.header {
			return nil
		}
	}
	c.inLine = true
	switch {
	case b == '.' && !c.valued:
		c.parts = append(c.parts, c.key)
		c.key = 0
	case b == '=':
		return c.assign()
	case b == '[' || b == '{':
		return c.begin()
	case c.header && b == ']':
		return c.endHeader()
	case b == ']' || b == '}':
		c.end()
	case b == ',':
		c.endValue()
		return c.value()
	default:
		c.key++
	}
	return nil
}

// assign is between a key and its value.
func (c *tomlChecker) assign() error {
	n, err := c.openParts()
	if err == nil {
		err = c.value()
	}
	if err == nil {
		err = c.member()
	}
	c.dotted, c.valued = n, true
	return err
}

// openParts opens the tables of a dotted key but for the last part.
func (c *tomlChecker) openParts() (int, error) {
	for i, length := range c.parts {
		if err := c.open(length); err != nil {
			return i, err
		}
	}
	n := len(c.parts)
	c.parts = c.parts[:0]
	return n, nil
}

// begin opens a list or an inline table.
func (c *tomlChecker) begin() error {
	if err := c.value(); err != nil {
		return err
	}
	if err := c.open(c.key); err != nil {
		return err
	}
	c.brackets = append(c.brackets, c.dotted+1)
	c.key, c.dotted, c.valued = 0, 0, false
	return nil
}

// end closes it.
func (c *tomlChecker) end() {
	c.endValue()
	if last := len(c.brackets) - 1; last >= 0 {
		c.closeAll(c.brackets[last])
		c.brackets = c.brackets[:last]
	}
}

// endHeader is behind the name of a table.
func (c *tomlChecker) endHeader() error {
	if c.key == 0 && len(c.parts) == 0 {
		return nil // the second bracket of a table in a list
	}
	n, err := c.openParts()
	if err == nil {
		err = c.open(c.key)
		n++
	}
	c.table, c.key = n, 0
	return err
}

func (c *tomlChecker) endLine() {
	c.header = false
	if len(c.brackets) == 0 {
		c.endValue()
		c.inLine = false
	}
}

// endValue is behind the value of a key.
func (c *tomlChecker) endValue() {
	c.closeAll(c.dotted)
	c.key, c.dotted, c.valued = 0, 0, false
	c.parts = c.parts[:0]
}

func (c *tomlChecker) closeAll(n int) {
	for range n {
		c.close()
	}
}

// quoted is the length of the text that content begins with, with its quotation
// marks.
func quoted(content string) int {
	mark := content[:1]
	if long := strings.Repeat(mark, 3); strings.HasPrefix(content, long) {
		return 3 + closed(content[3:], long, mark == `"`, false)
	}
	return 1 + closed(content[1:], mark, mark == `"`, true)
}

// closed is the length of what is before and in the closing mark. A text on one
// line ends with the line.
func closed(content, mark string, escapes, oneLine bool) int {
	for i := 0; i < len(content); i++ {
		switch {
		case escapes && content[i] == '\\':
			i++
		case oneLine && content[i] == '\n':
			return i
		case strings.HasPrefix(content[i:], mark):
			return i + len(mark)
		}
	}
	return len(content)
}
