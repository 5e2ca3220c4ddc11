package redis

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/store"
)

// certificate writes a self-signed certificate for 127.0.0.1 and its key, and returns their files and a pool that trusts it.
func certificate(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "redis"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, b []byte) string {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AddCert(cert)
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", private), pool
}

// rights are those that the package names as needed, and no others.
const rights = "-@all +ping +hello +auth +select +info +time +eval +evalsha +get +set +getdel +getrange +setrange +mget +del +exists +incrby " +
	"+pexpire +expireat +persist +zadd +zrem +zscore +zrangebylex +zrangebyscore +zrevrange +config|get"

func secured(t *testing.T) (server *redistest.Server, pool *x509.CertPool) {
	t.Helper()
	cert, key, pool := certificate(t)
	users := filepath.Join(t.TempDir(), "users.acl")
	if err := os.WriteFile(users, []byte("user default off\nuser grantor on >p@ss/w:rd ~own:* "+rights+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	server = redistest.New(t, "--port", "0", "--tls-port", "{port}", "--tls-cert-file", cert, "--tls-key-file", key,
		"--tls-ca-cert-file", cert, "--tls-auth-clients", "no",
		"--aclfile", users)
	return server, pool
}

func TestSuiteWithTLSAndAnACLUserWithFewRights(t *testing.T) {
	server, pool := secured(t)
	url := "rediss://grantor:p%40ss%2Fw%3Ard@" + server.Addr() + "/?prefix=own:"
	suite(t, url, Options{TLS: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}})
}

func TestServerOrUserThatIsNotTrustedIsUnavailable(t *testing.T) {
	server, pool := secured(t)
	trusting := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	for name, test := range map[string]struct {
		user   string
		config *tls.Config
	}{
		"unknown authority": {"grantor:p%40ss%2Fw%3Ard", nil},
		"wrong password":    {"grantor:verysecret", trusting},
		"unknown user":      {"nobody:verysecret", trusting},
		"no password":       {"", trusting},
	} {
		t.Run(name, func(t *testing.T) {
			var warned strings.Builder
			s := open(t, "rediss://"+test.user+"@"+server.Addr()+"/?prefix=own:",
				Options{TLS: test.config, Warn: func(w string) { warned.WriteString(w) }})
			_, err := s.Get(t.Context(), store.Kind{Name: "x"}, "id")
			if !store.IsUnavailable(err) {
				t.Fatalf("get: %v, want an UnavailableError", err)
			}
			for _, secret := range []string{"verysecret", "p@ss", "p%40ss"} {
				if strings.Contains(err.Error()+warned.String(), secret) {
					t.Errorf("the password is in %q or %q", err, warned.String())
				}
			}
		})
	}
}
