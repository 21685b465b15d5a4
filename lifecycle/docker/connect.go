package docker

import (
	"net/http"
	"os"

	"github.com/docker/cli/cli/connhelper"
	"github.com/docker/docker/client"
)

// connect makes a client for the daemon at a host, "" for the one that the
// environment names. It does no I/O.
func connect(host string) (*client.Client, error) {
	if host == "" {
		host = os.Getenv(client.EnvOverrideHost)
	}
	options := []client.Opt{client.WithVersionFromEnv(), client.WithAPIVersionNegotiation()}
	// For ssh: the program ssh runs `docker system dial-stdio` there.
	helper, err := connhelper.GetConnectionHelper(host)
	switch {
	case err != nil:
		return nil, err
	case helper != nil:
		options = append(options,
			client.WithHTTPClient(&http.Client{Transport: &http.Transport{DialContext: helper.Dialer}}),
			client.WithHost(helper.Host), client.WithDialContext(helper.Dialer))
	case host != "":
		options = append(options, client.WithTLSClientConfigFromEnv(), client.WithHost(host))
	}
	return client.NewClientWithOpts(options...)
}
