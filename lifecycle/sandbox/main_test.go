package sandbox

import (
	"fmt"
	"os"
	"testing"

	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

func TestMain(m *testing.M) {
	Child()
	if err := errorsOf(confine.Protect, prepare); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func errorsOf(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
