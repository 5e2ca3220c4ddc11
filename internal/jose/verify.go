// RFC 7515, RFC 8725: verification.
package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// ErrInvalid is what Verify answers to every token that it refuses. The text behind it says why, in fixed words that hold
// nothing of the token.
var ErrInvalid = errors.New("invalid token")

func invalid(why string) error { return fmt.Errorf("%w: %s", ErrInvalid, why) }

var (
	errSize      = invalid("larger than 16 KiB")
	errParts     = invalid("not of three parts")
	errEncoding  = invalid("not canonical base64url without padding")
	errType      = invalid("typ is not the one expected")
	errKid       = invalid("kid names no key")
	errAlgorithm = invalid("alg is not the one of its key")
	errSignature = invalid("signature does not verify")
	errClaims    = invalid("claims are not a JSON object of distinct members")
)

const es256Half = 32

// Verify checks a compact JWS and gives its claims: a JSON object whose members are distinct. The key is the one that find
// knows under the kid of the token; its algorithm is the only one accepted. typ is a media type and compared as one
// (RFC 7515 section 4.1.9). Keys that the token itself brings or points to are neither trusted nor fetched.
func Verify(token, typ string, find func(kid string) (*Key, bool)) (claims []byte, err error) {
	if len(token) > MaxToken {
		return nil, errSize
	}
	protected, rest, _ := strings.Cut(token, ".")
	payload, seal, found := strings.Cut(rest, ".")
	if !found || strings.Contains(seal, ".") || protected == "" || payload == "" {
		return nil, errParts
	}
	h, err := parseHeader(protected)
	if err != nil {
		return nil, err
	}
	if !sameType(h.typ, typ) {
		return nil, errType
	}
	key, ok := find(h.kid)
	if !ok {
		return nil, errKid
	}
	if h.alg != string(key.Algorithm) {
		return nil, errAlgorithm
	}
	signature, err := decode(seal)
	if err != nil {
		return nil, err
	}
	if !key.verifies([]byte(token[:len(protected)+1+len(payload)]), signature) {
		return nil, errSignature
	}
	claims, err = decode(payload)
	if err != nil {
		return nil, err
	}
	if err := eachMember(claims, func(string, []byte) error { return nil }); err != nil {
		return nil, errClaims
	}
	return claims, nil
}

func (k *Key) verifies(input, signature []byte) bool {
	if len(signature) != k.signatureSize() {
		return false
	}
	switch public := k.public.(type) {
	case *ecdsa.PublicKey:
		// ecdsa.Verify refuses zero and anything not below the order of the curve.
		r := new(big.Int).SetBytes(signature[:es256Half])
		s := new(big.Int).SetBytes(signature[es256Half:])
		digest := sha256.Sum256(input)
		return ecdsa.Verify(public, digest[:], r, s)
	case ed25519.PublicKey:
		return ed25519.Verify(public, input, signature)
	case *rsa.PublicKey:
		digest := sha256.Sum256(input)
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature) == nil
	}
	return false
}

func (k *Key) signatureSize() int {
	switch public := k.public.(type) {
	case *ecdsa.PublicKey:
		return 2 * es256Half
	case ed25519.PublicKey:
		return ed25519.SignatureSize
	case *rsa.PublicKey:
		return public.Size()
	}
	return 0
}

// decode accepts the one encoding that an encoder produces. The decoder of the standard library skips line breaks.
func decode(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, errEncoding
	}
	b, err := b64.DecodeString(s)
	if err != nil {
		return nil, errEncoding
	}
	return b, nil
}
