package sandbox

import (
	"testing"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest"
)

func TestContract(t *testing.T) {
	enginetest.Run(t, func(t *testing.T) lifecycle.Engine {
		return New(Config{Executable: enginetest.Program(t)})
	})
}
