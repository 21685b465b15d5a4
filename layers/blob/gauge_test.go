package blob

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestGaugeTriesAgain has somebody else on a link whose connections get 40 MB/s
// each: more of them pay only after the other one has left.
func TestGaugeTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gauge{connections: 1}
		g.start()
		read := func(spell time.Duration, rate func() float64) {
			for end := time.Now().Add(spell); time.Now().Before(end); {
				const step = 10 * time.Millisecond
				time.Sleep(step)
				g.arrived.Add(int64(rate() * step.Seconds()))
				g.waited += step
				g.conclude()
			}
		}
		read(5*time.Second, func() float64 { return 40e6 })
		if g.connections > 2 {
			t.Errorf("%d connections on a link that has no room for them", g.connections)
		}
		read(10*time.Second, func() float64 { return min(40e6*float64(g.connections), 120e6) })
		if g.connections < 4 {
			t.Errorf("%d connections of 40 MB/s on a link with room for three", g.connections)
		}
	})
}
