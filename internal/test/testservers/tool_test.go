package testservers

import "testing"

// TestToolsArePinned finds every tool's own module.
func TestToolsArePinned(t *testing.T) {
	t.Parallel()
	root, err := ModuleRoot()
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range Tools() {
		if _, err := tool.path(root); err != nil {
			t.Errorf("%s: %v", tool.Name, err)
		}
	}
}
