package phases

import (
	"archive/tar"
	"testing"

	"github.com/pack-cache/pack-cache/lifecycle"
)

// TestNameParent holds what images record of the directories above layers, which
// must not tell where they were built.
func TestNameParent(t *testing.T) {
	t.Parallel()
	j := &job{Session: Session{User: lifecycle.User{UID: 1000, GID: 1001}, Paths: lifecycle.Paths{Layers: "/layers"}}}
	for name, test := range map[string]struct{ there, want tar.Header }{
		"a volume of root for everybody": {
			tar.Header{Name: "/layers", Mode: 0o777},
			tar.Header{Name: "/layers", Uid: 1000, Gid: 1001, Mode: 0o755},
		},
		"a buildpack's directory below it": {
			tar.Header{Name: "layers/bp/", Uid: 4711, Gid: 4711, Mode: 0o775},
			tar.Header{Name: "layers/bp/", Uid: 1000, Gid: 1001, Mode: 0o755},
		},
		"a directory of root": {
			tar.Header{Name: "/layersmith", Mode: 0o755},
			tar.Header{Name: "/layersmith", Mode: 0o755},
		},
		"a directory of the user's": {
			tar.Header{Name: "/workspace", Uid: 4711, Gid: 4711, Mode: 0o755},
			tar.Header{Name: "/workspace", Uid: 1000, Gid: 1001, Mode: 0o755},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := test.there
			j.nameParent(&got)
			if got.Uid != test.want.Uid || got.Gid != test.want.Gid || got.Mode != test.want.Mode {
				t.Errorf("%d:%d %o, want %d:%d %o", got.Uid, got.Gid, got.Mode, test.want.Uid, test.want.Gid, test.want.Mode)
			}
		})
	}
}
