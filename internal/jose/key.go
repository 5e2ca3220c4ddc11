package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"

	jose "github.com/go-jose/go-jose/v4"
)

const (
	rsaBits    = 2048
	rsaMaxBits = 8192 // a larger foreign key costs more to verify with than a request is worth
)

var errPublicOnly = errors.New("key has no private part")

// Key is a signing key, or only its public half. It is safe for concurrent use and never changes.
type Key struct {
	ID        string // RFC 7638 thumbprint, SHA-256; of a key that another server publishes, what that one calls it
	Algorithm Algorithm

	public  crypto.PublicKey
	private crypto.Signer // nil in a public key
	head    []byte        // the JSON of the JWS header up to the value of typ
}

// GenerateKey makes a new key. RSA takes a noticeable part of a second.
func GenerateKey(a Algorithm) (*Key, error) {
	private, err := generate(a)
	if err != nil {
		return nil, fmt.Errorf("generate %s key: %w", a, err)
	}
	return newKey(private.Public(), private)
}

func generate(a Algorithm) (crypto.Signer, error) {
	switch a {
	case ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case EdDSA:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	case RS256:
		return rsa.GenerateKey(rand.Reader, rsaBits)
	}
	return nil, a.Check()
}

// newKey takes private as nil for a key that only verifies.
func newKey(public crypto.PublicKey, private crypto.Signer) (*Key, error) {
	a, err := algorithmOf(public)
	if err != nil {
		return nil, err
	}
	thumbprint, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("thumbprint of %s key: %w", a, err)
	}
	id := base64.RawURLEncoding.EncodeToString(thumbprint)
	return &Key{
		ID:        id,
		Algorithm: a,
		public:    public,
		private:   private,
		head:      []byte(`{"alg":"` + string(a) + `","kid":"` + id + `","typ":"`),
	}, nil
}

func algorithmOf(public crypto.PublicKey) (Algorithm, error) {
	switch p := public.(type) {
	case *ecdsa.PublicKey:
		if p.Curve == elliptic.P256() {
			return ES256, nil
		}
		return "", errors.New("elliptic-curve key is not on P-256")
	case ed25519.PublicKey:
		return EdDSA, nil
	case *rsa.PublicKey:
		if bits := p.N.BitLen(); bits < rsaBits || bits > rsaMaxBits {
			return "", fmt.Errorf("RSA key of %d bits: want %d to %d", bits, rsaBits, rsaMaxBits)
		}
		return RS256, nil
	}
	return "", fmt.Errorf("key of type %T cannot sign tokens", public)
}

// MarshalPrivate gives the key with its private part as PKCS #8. It is to be sealed before it is kept.
func (k *Key) MarshalPrivate() ([]byte, error) {
	if k.private == nil {
		return nil, errPublicOnly
	}
	return x509.MarshalPKCS8PrivateKey(k.private)
}

// MarshalPublic gives the public part as PKIX.
func (k *Key) MarshalPublic() ([]byte, error) { return x509.MarshalPKIXPublicKey(k.public) }

// ParsePrivate reads what MarshalPrivate wrote.
func ParsePrivate(pkcs8 []byte) (*Key, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		// The cause is left out: it could quote the key.
		return nil, errors.New("parse private key: not a PKCS #8 key")
	}
	private, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("parse private key: %T cannot sign", parsed)
	}
	return newKey(private.Public(), private)
}

// ParsePublic reads what MarshalPublic wrote.
func ParsePublic(pkix []byte) (*Key, error) {
	public, err := x509.ParsePKIXPublicKey(pkix)
	if err != nil {
		return nil, fmt.Errorf("parse public key: %w", err)
	}
	return newKey(public, nil)
}

// CanSign reports whether the private part is there.
func (k *Key) CanSign() bool { return k.private != nil }

// String names the key. It keeps the private part out of any log.
func (k *Key) String() string { return string(k.Algorithm) + " key " + k.ID }

// GoString is String: %#v would print the private part.
func (k *Key) GoString() string { return k.String() }
