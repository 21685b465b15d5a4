package archtest

import (
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAcceptanceContents wants every file of the acceptance tests once in the
// table of contents, which is the package's comment.
func TestAcceptanceContents(t *testing.T) {
	t.Parallel()
	var listed, there []string
	for _, line := range regexp.MustCompile(`(?m)^//   - (\S+): \S`).FindAllStringSubmatch(read(t, "acceptance/doc.go"), -1) {
		listed = append(listed, line[1])
	}
	files, err := filepath.Glob("../../acceptance/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		there = append(there, filepath.Base(file))
	}
	slices.Sort(listed)
	if diff := cmp.Diff(there, listed); diff != "" {
		t.Errorf("acceptance/doc.go (-files +listed):\n%s", diff)
	}
}
