package azblob

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/redact"
)

// Keys are what opens a container: one of them.
type Keys struct {
	SharedKey redact.Secret
	// SAS is a shared access signature: the query of a URL.
	SAS redact.Secret
	// Token is one of Microsoft Entra, which Expires.
	Token   redact.Secret
	Expires time.Time
}

// scope is what tokens are for.
const scope = "https://storage.azure.com/.default"

// Login returns the keys that are given, or finds a token as the Azure SDK does
// (DefaultAzureCredential): from the environment, workload and managed identity,
// and the Azure tools. Some places to look at may not answer: ctx ends the search.
func Login(ctx context.Context, given Keys) (Keys, error) {
	if !given.SharedKey.IsZero() || !given.SAS.IsZero() {
		return given, nil
	}
	credential, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return Keys{}, &loginError{hint.With(loginHint, err)}
	}
	token, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}})
	if err != nil {
		return Keys{}, &loginError{hint.With(loginHint, err)}
	}
	return Keys{Token: redact.NewSecret(token.Token), Expires: token.ExpiresOn}, nil
}

// loginError says why there is no token.
type loginError struct{ error }

// Error implements error.
func (e *loginError) Error() string { return "no Azure credentials: " + words(e.error.Error()) }

// Unwrap returns why.
func (e *loginError) Unwrap() error { return e.error }

// loginHint is what helps when there is no token.
const loginHint = "add secret_access_key, sas_token or connection_string, log in with azure/login, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"

// renewBefore is how long before a token expires another one is asked for.
const renewBefore = 5 * time.Minute

// tokens gives the SDK tokens.
type tokens struct {
	renew func(ctx context.Context) (Keys, error)

	mu   sync.Mutex
	last Keys
}

// GetToken implements azcore.TokenCredential.
func (t *tokens) GetToken(ctx context.Context, _ policy.TokenRequestOptions) (azcore.AccessToken, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.renew != nil && !t.last.Expires.IsZero() && time.Until(t.last.Expires) < renewBefore {
		keys, err := t.renew(ctx)
		if err != nil {
			return azcore.AccessToken{}, fmt.Errorf("renew the Azure token: %w", err)
		}
		t.last = keys
	}
	expires := t.last.Expires
	if expires.IsZero() {
		expires = time.Now().Add(time.Hour)
	}
	return azcore.AccessToken{Token: t.last.Token.Reveal(), ExpiresOn: expires}, nil
}
