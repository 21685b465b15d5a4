package testservers

import "testing"

// TestStart starts every server.
func TestStart(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t testing.TB){
		"minio":     func(t testing.TB) { NewMinIO(t) },
		"versitygw": func(t testing.TB) { NewVersityGW(t) },
		"act":       func(t testing.TB) { NewAct(t).Service(t) },
		"azurite":   func(t testing.TB) { NewAzurite(t) },

		"olareg":       func(t testing.TB) { NewOlareg(t) },
		"distribution": func(t testing.TB) { NewDistribution(t) },
		"ociregistry":  func(t testing.TB) { NewOCIRegistry(t) },
		"crane":        func(t testing.TB) { NewCraneRegistry(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start(t)
		})
	}
}
