package docker

import (
	"testing"

	"github.com/pack-cache/pack-cache/internal/testdocker"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest"
)

func TestContract(t *testing.T) {
	daemon := testdocker.New(t, testdocker.Options{})
	enginetest.Run(t, func(t *testing.T) lifecycle.Engine {
		return New(Config{Host: daemon.Host, Executable: enginetest.Program(t), Init: initProgram(t)})
	})
}
