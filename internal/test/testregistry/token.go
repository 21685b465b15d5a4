package testregistry

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

// TokenOptions says what the tokens of a token server are like.
type TokenOptions struct {
	// TTL is how long a token is good, in whole seconds, to within a second
	// more; 0 is a minute.
	TTL time.Duration
	// HideTTL keeps the lifetime out of the server's answers, so that a client
	// learns only by a 401 that its token has ended.
	HideTTL bool
}

// TokenRequest is one request to a token server.
type TokenRequest struct {
	// User is who asked; empty without a credential.
	User string
	// Scopes are those asked for, Granted those of them that the token has, as
	// "repository:NAME:ACTION,ACTION".
	Scopes, Granted []string
	// Refused says that the password was wrong; there was no token.
	Refused bool
}

// tokenServer gives out tokens as docker-registry's "Token Authentication
// Specification" and "Token Authentication Implementation" describe.
type tokenServer struct {
	server  *httptest.Server
	realm   string
	signer  *authority
	users   []User
	options TokenOptions

	mu  sync.Mutex
	all []TokenRequest
}

// startTokenServer starts a token server, with TLS if ca is not nil.
func startTokenServer(options Options, ca *authority) (*tokenServer, error) {
	signer, err := newAuthority()
	if err != nil {
		return nil, err
	}
	if options.Tokens.TTL == 0 {
		options.Tokens.TTL = time.Minute
	}
	s := &tokenServer{signer: signer, users: options.Users, options: options.Tokens}
	s.server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	if ca == nil {
		s.server.Start()
	} else {
		pair, err := ca.server()
		if err != nil {
			return nil, err
		}
		s.server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
		s.server.StartTLS()
	}
	// By name: clients refuse a realm that is another private address.
	s.realm = strings.Replace(s.server.URL, "127.0.0.1", "localhost", 1) + "/token"
	return s, nil
}

func (s *tokenServer) requests() []TokenRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}

func (s *tokenServer) serve(w http.ResponseWriter, r *http.Request) {
	name, password, _ := r.BasicAuth()
	request := TokenRequest{User: name, Scopes: r.URL.Query()["scope"]}
	at := slices.IndexFunc(s.users, func(u User) bool { return u.Name == name && u.Password == password })
	request.Refused = at < 0
	var grants []access
	if !request.Refused {
		for _, scope := range request.Scopes {
			if g, ok := s.users[at].grant(scope); ok {
				grants = append(grants, g)
				request.Granted = append(request.Granted, g.String())
			}
		}
	}
	s.mu.Lock()
	s.all = append(s.all, request)
	s.mu.Unlock()
	if request.Refused {
		http.Error(w, `{"details":"incorrect username or password"}`, http.StatusUnauthorized)
		return
	}
	answer := map[string]any{"token": s.sign(name, grants)}
	if !s.options.HideTTL {
		answer["expires_in"] = int(s.options.TTL / time.Second)
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(answer)
}

// access is one entry of the access claim.
type access struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
}

// String is the access as a scope.
func (a access) String() string {
	return a.Type + ":" + a.Name + ":" + strings.Join(a.Actions, ",")
}

// grant is what of scope the user gets; false if nothing.
func (u User) grant(scope string) (access, bool) {
	parts := strings.Split(scope, ":")
	if len(parts) != 3 || parts[0] != "repository" {
		return access{}, false
	}
	a := access{Type: parts[0], Name: parts[1]}
	may, ok := u.May[a.Name]
	if !ok {
		may = u.May["*"]
	}
	for action := range strings.SplitSeq(parts[2], ",") {
		if u.May == nil || slices.Contains(may, action) {
			a.Actions = append(a.Actions, action)
		}
	}
	return a, len(a.Actions) > 0
}

// leeway is how long docker-registry accepts a token after its end.
const leeway = time.Minute

// sign makes a JSON web token with the algorithm ES256.
func (s *tokenServer) sign(user string, grants []access) string {
	now := time.Now()
	header := map[string]any{
		"typ": "JWT", "alg": "ES256",
		"x5c": []string{base64.StdEncoding.EncodeToString(s.signer.cert.Raw)},
	}
	claims := map[string]any{
		"iss": service, "aud": service, "sub": user, "jti": rand.Text(),
		"iat": now.Unix(), "nbf": now.Add(-leeway).Unix(), "exp": now.Add(s.options.TTL-leeway).Unix() + 1,
		"access": grants,
	}
	text := segment(header) + "." + segment(claims)
	hash := sha256.Sum256([]byte(text))
	r, sig, err := ecdsa.Sign(rand.Reader, s.signer.key, hash[:])
	if err != nil {
		panic(fmt.Sprintf("signing with a key of our own: %v", err))
	}
	both := slices.Concat(r.FillBytes(make([]byte, 32)), sig.FillBytes(make([]byte, 32)))
	return text + "." + base64.RawURLEncoding.EncodeToString(both)
}

func segment(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encoding a token: %v", err))
	}
	return base64.RawURLEncoding.EncodeToString(text)
}
