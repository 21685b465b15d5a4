package main

import (
	"strconv"
)

// needles are texts to look for. They are kept masked: whoever looks at the
// memory of this process finds none of them.
type needles struct {
	masked [][]byte
	first  [256]bool
	most   int
}

const mask = 0xa5

// parseNeedles reads texts that are written in hexadecimal digits.
func parseNeedles(digits []string) *needles {
	n := &needles{}
	for _, text := range digits {
		needle := make([]byte, len(text)/2)
		for i := range needle {
			value, err := strconv.ParseUint(text[2*i:2*i+2], 16, 8)
			if err != nil {
				fail("not hexadecimal: " + err.Error())
			}
			needle[i] = byte(value) ^ mask
		}
		if len(needle) < 8 {
			fail("a secret that is too short to look for")
		}
		n.masked = append(n.masked, needle)
		n.first[needle[0]^mask] = true
		n.most = max(n.most, len(needle))
	}
	return n
}

// in tells whether one of them is in data.
func (n *needles) in(data []byte) bool {
	for i, b := range data {
		if !n.first[b] {
			continue
		}
		for _, needle := range n.masked {
			if n.begins(data[i:], needle) {
				return true
			}
		}
	}
	return false
}

func (n *needles) begins(data, needle []byte) bool {
	if len(data) < len(needle) {
		return false
	}
	for i, b := range needle {
		if data[i]^mask != b {
			return false
		}
	}
	return true
}
