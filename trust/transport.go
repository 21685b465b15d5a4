package trust

import (
	"net/http"

	"github.com/pack-cache/pack-cache/internal/quirks"
	"github.com/pack-cache/pack-cache/internal/web"
)

// shared carries all requests to secure registries, so that they share connections.
var shared = web.NewTransport()

// maxWhole is the size in bytes of the largest manifests and configs. Libraries read
// them in one go and give up where they break off.
const maxWhole = 4 << 20

// Transport returns a transport that mends the answers of odd registries, and that
// waits and repeats by rule. The certificates of the insecure registries are not
// verified; those of every other host are, be it the token server of an insecure
// registry. What is no layer has bounds. budget is for requests without one in their
// context; nil is one for each.
func Transport(insecure []string, rule web.Rule, budget *web.Budget) http.RoundTripper {
	return quirks.Wary(quirks.New(&web.Transport{Inner: web.Insecure(shared, insecure), Rule: rule, Budget: budget, Whole: maxWhole}))
}
