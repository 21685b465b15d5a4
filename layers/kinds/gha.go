package kinds

import (
	"cmp"
	"context"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/pack-cache/pack-cache/internal/attrs"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/redact"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/gha"
)

// ghaAttrs are the attributes of type=gha. The URL of version 1 can have a token
// in its path.
type ghaAttrs struct {
	Scope      string        `attr:"scope" form:"name" help:"name of the cache in the repository (default: the app image's repository)"`
	Version    string        `attr:"version" values:"1 2" help:"of the cache service (default: 2 if $ACTIONS_CACHE_SERVICE_V2 is set and the server is not GitHub Enterprise Server, else 1)"`
	URL        redact.Secret `json:"-" attr:"url" env:"ACTIONS_CACHE_URL" form:"url" help:"of version 1 of the cache service"`
	URLv2      redact.Secret `json:"-" attr:"url_v2" env:"ACTIONS_RESULTS_URL" form:"url" help:"of version 2 of the cache service; version 1 is there, too, if nothing else says where it is"`
	Token      redact.Secret `json:"-" attr:"token" env:"ACTIONS_RUNTIME_TOKEN" help:"of the job"`
	Access     string        `attr:"access" env:"ACTIONS_CACHE_MODE" form:"mode" help:"what the job may do with the cache: none, read, write or write-only"`
	Repository string        `attr:"repository" env:"GITHUB_REPOSITORY" form:"owner/name" help:"for listing and deleting caches"`
	GitHub     redact.Secret `json:"-" attr:"ghtoken" help:"for listing and deleting caches: a token with the permission actions: read, or write"`
	API        string        `attr:"api_url" env:"GITHUB_API_URL" default:"https://api.github.com" form:"url" help:"of GitHub's REST API, for listing and deleting caches"`
}

func (a *ghaAttrs) complete(use, image string) error {
	a.Scope = cmp.Or(a.Scope, image)
	if a.Scope == "" && use == toExport {
		return hint.Usagef("add scope=NAME", "attribute scope is missing")
	}
	if a.Version == "" {
		a.Version = "1"
		if os.Getenv("ACTIONS_CACHE_SERVICE_V2") != "" && !enterpriseServer() {
			a.Version = "2"
		}
	}
	return a.checkAccess()
}

func (a *ghaAttrs) checkAccess() error {
	modes := []string{string(gha.NoAccess), string(gha.ReadOnly), string(gha.ReadWrite), string(gha.WriteOnly)}
	if mode := strings.ToLower(strings.TrimSpace(a.Access)); slices.Contains(modes, mode) || mode == "" {
		a.Access = mode
	} else if a.Access == os.Getenv("ACTIONS_CACHE_MODE") {
		a.Access = "" // a newer runner knows more words; then the service decides
	} else {
		return hint.Usagef(attrs.DidYouMean(mode, modes)+"valid are: "+strings.Join(modes, ", "), "attribute access: there is no %q", a.Access)
	}
	return nil
}

// enterpriseServer reports whether the job belongs to a GitHub Enterprise Server,
// which has version 1 alone whatever the variables say.
func enterpriseServer() bool {
	server, err := url.Parse(cmp.Or(os.Getenv("GITHUB_SERVER_URL"), "https://github.com"))
	if err != nil {
		return false
	}
	host := strings.ToLower(server.Hostname())
	return host != "github.com" && !strings.HasSuffix(host, ".ghe.com") && !strings.HasSuffix(host, ".localhost")
}

func (a *ghaAttrs) facts() Facts {
	label := "gha"
	if a.Scope != "" {
		label = layers.At(label, a.Scope)
	}
	return Facts{Label: label, Snapshot: a.Scope}
}

func (a *ghaAttrs) names(given func(string) bool) []string {
	if given("scope") {
		return []string{a.Scope}
	}
	return nil
}

// ghaKeys are the attributes that are secret.
type ghaKeys struct{ URL, URLv2, Token, GitHub redact.Secret }

// find implements keyed.
func (a *ghaAttrs) find(context.Context) (any, time.Time, error) {
	return ghaKeys{a.URL, a.URLv2, a.Token, a.GitHub}, time.Time{}, nil
}

func (a *ghaAttrs) open(ctx context.Context, with Access) (layers.Store, error) {
	keys, err := keysOf[ghaKeys](with)(ctx)
	if err != nil {
		return nil, err
	}
	config := gha.Config{
		Version: 2, URL: keys.URLv2.Reveal(), Token: keys.Token.Reveal(), Access: gha.Access(a.Access),
		Repository: a.Repository, GitHubToken: keys.GitHub.Reveal(), APIURL: a.API,
	}
	variable := "ACTIONS_RESULTS_URL"
	if a.Version == "1" {
		config.Version, config.URL, variable = 1, cmp.Or(keys.URL.Reveal(), config.URL), "ACTIONS_CACHE_URL"
	}
	var missing []string
	if config.URL == "" {
		missing = append(missing, variable)
	}
	// act has no tokens: a secret in the URL of version 1 is in their place.
	if config.Token == "" && (config.Version == 2 || keys.URL.IsZero()) {
		missing = append(missing, "ACTIONS_RUNTIME_TOKEN")
	}
	if len(missing) > 0 {
		return gha.Nowhere{Missing: missing}, nil
	}
	return gha.New(config), nil
}
