package enginetest

import (
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest/report"
)

// listen accepts connections on the machine's loopback.
func listen(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	return listener.Addr().String()
}

func testNoNetwork(t *testing.T, s *suite) {
	place := s.place(t)
	roots(t, func(t *testing.T, phase func(...string) lifecycle.Phase) {
		p := phase("state")
		p.Network = lifecycle.NetworkNone
		if s.has(InPlace) {
			if err := place.Run(t.Context(), p, lifecycle.Streams{}); err == nil {
				t.Error("a phase ran with another network than it should have")
			}
			return
		}
		found := state(t, place, p)
		if diff := cmp.Diff([]string{"lo"}, found.Interfaces); diff != "" {
			t.Errorf("interfaces (-want +got):\n%s", diff)
		}
		if p.Root == lifecycle.BuilderRoot && !found.Resolves {
			t.Errorf("the host name %s has no address", found.Hostname)
		}
		p = phase("dial", "tcp", listen(t))
		p.Network = lifecycle.NetworkNone
		got := decode[[]report.Step](t, output(t, place, p))
		if got[0].Err != "" {
			t.Errorf("its own loopback: %s", got[0].Err)
		}
		if got[1].Err == "" {
			t.Error("the machine can be reached")
		}
	})
}

func testHostNetwork(t *testing.T, s *suite) {
	place := s.place(t)
	roots(t, func(t *testing.T, phase func(...string) lifecycle.Phase) {
		got := decode[[]report.Step](t, output(t, place, phase("dial", "tcp", listen(t))))
		if diff := cmp.Diff([]report.Step{{}, {}}, got); diff != "" {
			t.Errorf("connections (-want +got):\n%s", diff)
		}
	})
}
