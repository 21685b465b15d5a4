package extra

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/pack-cache/pack-cache/internal/web"
)

// What a source tree names may have been chosen by somebody who wants to know
// what this machine can reach or read. It may not name what is not for everybody:
// services of this machine, of its host or of its cloud, and files outside the
// tree.

const foreignHint = "if you mean it, name it on the command line, with --buildpack, --pre-buildpack or --post-buildpack, or in a file outside of the source with --descriptor"

// checkForeign refuses what a source tree may not name.
func (l location) checkForeign(text string) error {
	if l.within == "" {
		return nil
	}
	switch l.kind {
	case webAddress:
		u, err := url.Parse(l.at)
		if err == nil {
			err = checkAddress(u)
		}
		if err != nil {
			return misnamed(text, err.Error(), foreignHint)
		}
	case localPath:
		if !Inside(l.within, l.at) {
			return misnamed(text, "the source may not name a path outside of itself", foreignHint)
		}
	case imageRef:
		if err := CheckForeignImage(l.at); err != nil {
			return misnamed(text, err.Error(), foreignHint)
		}
	}
	return nil
}

// CheckForeignImage refuses a reference that a source tree may not name. Local
// registries are for everybody.
func CheckForeignImage(reference string) error {
	host, _, _ := strings.Cut(reference, "/")
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if at, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil && linkLocal(at) {
		return fmt.Errorf("the source may not name %s, which is an address of this machine's own network", host)
	}
	return nil
}

// Inside reports whether a path is in a directory, links followed. What is not
// there is not.
func Inside(dir, path string) bool {
	dir, err := resolved(dir)
	if err != nil {
		return false
	}
	path, err = resolved(path)
	if err != nil {
		return false
	}
	relative, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(relative)
}

func resolved(path string) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	return filepath.Abs(real)
}

// checkAddress refuses web addresses that a source tree may not name, judged by the
// address alone.
func checkAddress(u *url.URL) error {
	if !strings.EqualFold(u.Scheme, "https") {
		return fmt.Errorf("the source may only name https://, not %s://", strings.ToLower(u.Scheme))
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return fmt.Errorf("the source may not name %s, which is this machine", host)
	}
	if at, err := netip.ParseAddr(host); err == nil {
		return checkIP(at)
	}
	return nil
}

// checkIP refuses the addresses of this machine and of what is around it.
func checkIP(at netip.Addr) error {
	at = at.Unmap()
	switch {
	case at.IsLoopback(), at.IsUnspecified():
		return fmt.Errorf("the source may not name %s, which is this machine", at)
	case linkLocal(at), at.IsMulticast():
		return fmt.Errorf("the source may not name %s, which is an address of this machine's own network", at)
	}
	return nil
}

// services are where clouds tell machines their secrets, outside of the addresses
// that are for links (AWS over IPv6, Alibaba Cloud, Azure).
var services = []netip.Addr{
	netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("100.100.100.200"), netip.MustParseAddr("168.63.129.16"),
}

// translated is the prefix under which IPv4 addresses can be reached over IPv6
// (RFC 6052).
var translated = netip.MustParsePrefix("64:ff9b::/96")

func linkLocal(at netip.Addr) bool {
	at = at.WithZone("").Unmap()
	if translated.Contains(at) {
		bytes := at.As16()
		at = netip.AddrFrom4([4]byte(bytes[12:]))
		return at.IsLoopback() || at.IsUnspecified() || linkLocal(at)
	}
	for _, one := range services {
		if at == one {
			return true
		}
	}
	return at.IsLinkLocalUnicast() || at.IsLinkLocalMulticast() || at.IsInterfaceLocalMulticast()
}

// errForeign is why a download was refused, which is final.
var errForeign error = &web.GaveUp{Cause: errors.New("refused")}

// foreignTransport connects only to what a source tree may name. What a name
// stands for is looked at when the connection is made, so that it cannot change
// in between. A proxy connects itself; then all addresses of the name are looked
// up before.
func foreignTransport() http.RoundTripper {
	direct := web.NewTransport()
	direct.Proxy = nil
	direct.DialContext = (&net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err == nil {
			err = checkIP(to.Addr())
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errForeign, err)
		}
		return nil
	}}).DialContext
	proxied := web.NewTransport()
	return roundTrip(func(req *http.Request) (*http.Response, error) {
		proxy, err := http.ProxyFromEnvironment(req)
		if err != nil || proxy == nil {
			return direct.RoundTrip(req)
		}
		if err := lookUp(req.Context(), req.URL.Hostname()); err != nil {
			return nil, err
		}
		return proxied.RoundTrip(req)
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// lookUp looks a name up. Where only the proxy knows names, there is nothing
// to look at.
func lookUp(ctx context.Context, host string) error {
	all, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil
	}
	for _, at := range all {
		if err := checkIP(at); err != nil {
			return fmt.Errorf("%w: %w", errForeign, err)
		}
	}
	return nil
}
