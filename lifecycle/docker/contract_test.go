package docker

import (
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testdocker"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest"
)

func TestContract(t *testing.T) {
	contract(t, testdocker.Options{})
}

func TestContractOfPodman(t *testing.T) {
	contract(t, testdocker.Options{Podman: true}, enginetest.MakesHostDirectories)
}

func contract(t *testing.T, options testdocker.Options, quirks ...enginetest.Quirk) {
	daemon := testdocker.New(t, options)
	enginetest.Run(t, func(t *testing.T) lifecycle.Engine {
		return New(Config{Host: daemon.Host, Executable: enginetest.Program(t), Init: initProgram(t)})
	}, quirks...)
}
