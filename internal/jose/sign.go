// RFC 7515: signing.
package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
)

// MaxToken is the largest token that is verified, and therefore the largest that is signed.
const MaxToken = 16 << 10

var b64 = base64.RawURLEncoding.Strict()

// Sign gives claims, a JSON object, as a compact JWS with the header {alg, kid, typ}.
func (k *Key) Sign(typ string, claims []byte) (string, error) {
	if k.private == nil {
		return "", errPublicOnly
	}
	if !isToken(typ) {
		return "", fmt.Errorf("sign: bad typ %q", typ)
	}
	header := make([]byte, 0, 192) // stays on the stack
	header = append(header, k.head...)
	header = append(header, typ...)
	header = append(header, `"}`...)

	size := b64.EncodedLen(len(header)) + b64.EncodedLen(len(claims)) + b64.EncodedLen(k.signatureSize()) + 2
	if size > MaxToken {
		return "", errors.New("sign: claims are too large")
	}
	token := make([]byte, 0, size)
	token = b64.AppendEncode(token, header)
	token = append(token, '.')
	token = b64.AppendEncode(token, claims)
	signature, err := k.signature(token)
	if err != nil {
		return "", fmt.Errorf("sign with %s: %w", k, err)
	}
	token = append(token, '.')
	return string(b64.AppendEncode(token, signature)), nil
}

func (k *Key) signature(input []byte) ([]byte, error) {
	switch private := k.private.(type) {
	case *ecdsa.PrivateKey:
		digest := sha256.Sum256(input)
		r, s, err := ecdsa.Sign(rand.Reader, private, digest[:])
		if err != nil {
			return nil, err
		}
		raw := make([]byte, 2*es256Half)
		r.FillBytes(raw[:es256Half])
		s.FillBytes(raw[es256Half:])
		return raw, nil
	case ed25519.PrivateKey:
		return ed25519.Sign(private, input), nil
	case *rsa.PrivateKey:
		digest := sha256.Sum256(input)
		return rsa.SignPKCS1v15(nil, private, crypto.SHA256, digest[:])
	}
	return nil, errPublicOnly
}

// isToken reports whether s is a media type of at most 64 characters that needs no escaping in JSON.
func isToken(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '+', c == '-', c == '.', c == '_', c == '/':
		default:
			return false
		}
	}
	return true
}
