package authtest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// route leads requests for the issuer to the server, whatever name and scheme the issuer has, as a name server and a proxy
// would.
type route struct {
	server *Server
	base   *http.Transport
}

func newRoute(s *Server) *route {
	base := &http.Transport{
		MaxIdleConnsPerHost: 128, DisableCompression: true, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, s.Addr)
		},
	}
	if s.pool != nil {
		base.TLSClientConfig = &tls.Config{RootCAs: s.pool.roots, ServerName: "localhost"}
	}
	return &route{s, base}
}

// RoundTrip sends a request to the server. One for another host is refused: tests stay on this machine.
func (r *route) RoundTrip(request *http.Request) (*http.Response, error) {
	issuer, err := url.Parse(r.server.Issuer)
	if err != nil {
		return nil, err
	}
	if request.URL.Host != issuer.Host && request.URL.Host != r.server.Addr {
		return nil, fmt.Errorf("authtest: %s is not the server", request.URL.Host)
	}
	sent := request.Clone(request.Context())
	if sent.Host == "" {
		sent.Host = request.URL.Host
	}
	sent.URL.Scheme = "http"
	if r.server.pool != nil {
		sent.URL.Scheme = "https"
	}
	sent.URL.Host = r.server.Addr
	return r.base.RoundTrip(sent)
}

// CloseIdleConnections lets go of connections that the server may have ended.
func (r *route) CloseIdleConnections() { r.base.CloseIdleConnections() }

// certificate is what a server with TLS proves itself by.
type certificate struct{ roots *x509.CertPool }

// certify makes a certificate for localhost and writes it beside the seed.
func (s *Server) certify() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return fmt.Errorf("make a certificate: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encode the key: %w", err)
	}
	s.pool = &certificate{x509.NewCertPool()}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	s.pool.roots.AppendCertsFromPEM(cert)
	if err := os.WriteFile(filepath.Join(s.Dir, "cert.pem"), cert, 0o600); err != nil {
		return fmt.Errorf("write the certificate: %w", err)
	}
	pemKey := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	if err := os.WriteFile(filepath.Join(s.Dir, "key.pem"), pemKey, 0o600); err != nil {
		return fmt.Errorf("write the key: %w", err)
	}
	return nil
}
