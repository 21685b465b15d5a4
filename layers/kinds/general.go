package kinds

import (
	"errors"
	"time"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers/blob"
)

// generalAttrs are the attributes of every kind.
type generalAttrs struct {
	Mode             string        `attr:"mode" only:"export" default:"min" values:"min max" help:"max: save layers that are for launch only, too; with type=inline those that the app image does not have, beside it"`
	IgnoreError      bool          `attr:"ignore-error" only:"export" default:"true" help:"false: it is a failure (exit code 3) if nothing could be saved here"`
	Compression      string        `attr:"compression" only:"export" default:"zstd" values:"zstd gzip estargz uncompressed" help:"of new blobs; zstd and estargz need OCI media types, zstd also Docker 23 or newer to be read by it; estargz can be read as gzip"`
	CompressionLevel *int          `attr:"compression-level" only:"export" help:"zstd: 0 to 22, gzip and estargz: 0 to 9 (default: the fastest)"`
	ForceCompression bool          `attr:"force-compression" only:"export" default:"false" help:"compress blobs anew that are there in another compression"`
	Timeout          time.Duration `attr:"timeout" help:"how long reading or saving may take (default: no limit)"`
	IdleTimeout      time.Duration `attr:"idle-timeout" help:"how long a request may stand still (default: 8s)"`
	MaxWait          time.Duration `attr:"max-wait" help:"how long standstill, pauses and repeated requests may take together before the build goes on without the cache (default: 10s)"`
}

func (a *generalAttrs) rule() web.Rule { return web.Rule{Idle: a.IdleTimeout, Wait: a.MaxWait} }

// export enters the attributes, and refuses a compression that does not fit what
// the kind has entered.
func (a *generalAttrs) export(to *Export) error {
	to.Max = a.Mode == "max"
	to.Required = !a.IgnoreError
	to.Compression = blob.Compression{Codec: blob.Codec(a.Compression), Level: a.CompressionLevel}
	to.ForceCompression = a.ForceCompression
	to.Timeout = a.Timeout
	err := to.Compression.Check(to.DockerMediaTypes)
	if option, ok := errors.AsType[*blob.OptionError](err); ok {
		return hint.Usagef(option.Hint(), "%w", option)
	}
	return err
}
