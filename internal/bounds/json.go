package bounds

import (
	"bytes"
	"encoding/json"
)

// JSON is json.Unmarshal for a document that may have been written by an enemy.
// It returns an *Error if the document is over a bound, and then into is as it was.
func JSON(data []byte, into any) error {
	if err := CheckJSON(data); err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

// CheckJSON returns an *Error if a document is over a bound. It takes no notice of
// what else may be wrong with it.
func CheckJSON(data []byte) error {
	if err := fits(len(data)); err != nil {
		return err
	}
	t := tally{}
	key := 0 // the length of the last text
	for i := 0; i < len(data); i++ {
		var err error
		switch data[i] {
		case '"':
			end := textEnd(data[i+1:])
			key = end + 1
			i += end
			continue
		case '{', '[':
			if err = t.value(); err == nil {
				err = t.open(key)
			}
			key = 0
		case '}', ']':
			t.close()
		case ',':
			err = t.value()
			key = 0
		case ':':
			if err = t.value(); err == nil {
				err = t.member()
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// textEnd returns how many bytes a text has, its last quotation mark included.
func textEnd(data []byte) int {
	for i := 0; i < len(data); i++ {
		at := bytes.IndexAny(data[i:], `"\`)
		if at < 0 {
			return len(data)
		}
		if i += at; data[i] == '"' {
			return i + 1
		}
		i++ // what is behind a backslash means nothing here
	}
	return len(data)
}
