package attrs

import "strings"

// mostEdits are those of a word that may still be a misspelling.
const mostEdits = 3

// DidYouMean suggests, for the beginning of a hint, the valid word that is
// nearest to what was written. It is empty if none is near.
func DidYouMean(written string, valid []string) string {
	best, least := "", min(len(strings.TrimLeft(written, "-"))/2, mostEdits)+1
	for _, word := range valid {
		if d := distance(written, word); d < least {
			best, least = word, d
		}
	}
	if best == "" {
		return ""
	}
	return "did you mean " + best + "? "
}

// distance is how many characters have to be inserted, removed, replaced or
// exchanged with their neighbour to make b of a.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replace := 1
			if a[i-1] == b[j-1] {
				replace = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
