package oauth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"strings"
	"sync"

	"github.com/google/uuid"
)

// Prefixes make our secrets recognisable to scanners of source code and logs.
const (
	accessPrefix       = "grat_"
	refreshPrefix      = "grrt_"
	codePrefix         = "grac_"
	devicePrefix       = "grdc_"
	personalPrefix     = "grpt_"
	clientSecretPrefix = "grcs_"
)

// recognisable is how many characters of a secret are kept and shown, so that people can tell which one they hold. Behind
// the prefix they are 24 bits: those that are left cannot be guessed.
const recognisable = len(personalPrefix) + 4

// A token is its prefix and 54 bytes in base64url: 16 of a masked authorization id, 32 random, 6 of a check. Its 72
// characters carry no padding and no spare bits, so each token has one spelling.
const (
	tokenIDSize     = 16
	tokenRandomSize = 32
	tokenCheckSize  = 6
	tokenBodySize   = tokenIDSize + tokenRandomSize + tokenCheckSize
	tokenBodyText   = tokenBodySize / 3 * 4
)

// digest is what the store keeps of a token: SHA-256 over its type and its 256 random bits.
type digest [sha256.Size]byte

// MarshalText lets records carry a digest as text.
func (d digest) MarshalText() ([]byte, error) {
	return base64.RawURLEncoding.AppendEncode(nil, d[:]), nil
}

// UnmarshalText reads what MarshalText wrote.
func (d *digest) UnmarshalText(b []byte) error {
	if base64.RawURLEncoding.DecodedLen(len(b)) != len(d) {
		return base64.CorruptInputError(len(b))
	}
	_, err := base64.RawURLEncoding.Decode(d[:], b)
	return err
}

func (d digest) equal(other digest) bool { return subtle.ConstantTimeCompare(d[:], other[:]) == 1 }

// token is a code, device code, access token, refresh token or personal access token in its parts.
type token struct {
	Authorization string // id of the record, 32 hexadecimal digits
	digest        digest
	random        [tokenRandomSize]byte
}

// tokenFormat makes and reads tokens. The check is keyed: without the key nobody can make a token that passes it, so a
// token that passes and is not in its record was issued once and has been used up. That is what lets a replay of any
// age end the authorization, while a guess cannot.
type tokenFormat struct{ macs sync.Pool } // of *keyedMAC

// keyedMAC is an HMAC with room for its sum; making one costs more than using it.
type keyedMAC struct {
	hash.Hash
	input [len(accessPrefix) + tokenIDSize + tokenRandomSize]byte
	sum   [sha256.Size]byte
}

func newTokenFormat(key [32]byte) *tokenFormat {
	return &tokenFormat{sync.Pool{New: func() any { return &keyedMAC{Hash: hmac.New(sha256.New, key[:])} }}}
}

// newAuthorizationID gives a time-ordered id, so that the embedded store appends.
func newAuthorizationID() string {
	id := uuid.Must(uuid.NewV7())
	var text [2 * len(id)]byte
	hex.Encode(text[:], id[:])
	return string(text[:])
}

// mint makes a token of the authorization.
func (f *tokenFormat) mint(prefix, authorization string) (string, token) {
	var body [tokenBodySize]byte
	t := token{Authorization: authorization}
	_, _ = rand.Read(t.random[:]) // never fails (crypto/rand)
	if _, err := hex.Decode(body[:tokenIDSize], []byte(authorization)); err != nil {
		panic("oauth: authorization id is not hexadecimal") // only newAuthorizationID makes them
	}
	copy(body[tokenIDSize:], t.random[:])
	mask(prefix, body[:tokenIDSize], t.random[:])
	f.check(prefix, body[:])
	t.digest = tokenDigest(prefix, t.random[:])
	return prefix + base64.RawURLEncoding.EncodeToString(body[:]), t
}

// parse reads a token of the type that prefix names; false for anything that this server did not mint.
func (f *tokenFormat) parse(prefix, s string) (token, bool) {
	text, ok := strings.CutPrefix(s, prefix)
	if !ok || len(text) != tokenBodyText {
		return token{}, false
	}
	var body, expected [tokenBodySize]byte
	if n, err := base64.RawURLEncoding.Decode(body[:], []byte(text)); err != nil || n != tokenBodySize {
		return token{}, false
	}
	copy(expected[:], body[:tokenIDSize+tokenRandomSize])
	f.check(prefix, expected[:])
	if subtle.ConstantTimeCompare(body[:], expected[:]) != 1 {
		return token{}, false
	}
	t := token{random: [tokenRandomSize]byte(body[tokenIDSize : tokenIDSize+tokenRandomSize])}
	mask(prefix, body[:tokenIDSize], t.random[:])
	t.Authorization = hex.EncodeToString(body[:tokenIDSize])
	t.digest = tokenDigest(prefix, t.random[:])
	return t, true
}

// check writes the keyed check over prefix, id and random part into the end of body.
func (f *tokenFormat) check(prefix string, body []byte) {
	mac := f.macs.Get().(*keyedMAC)
	defer f.macs.Put(mac)
	mac.Reset()
	mac.Write(append(append(mac.input[:0], prefix...), body[:tokenIDSize+tokenRandomSize]...))
	copy(body[tokenIDSize+tokenRandomSize:], mac.Sum(mac.sum[:0]))
}

// mask hides the id, which tells the time of issue and is common to a family of tokens, under the random part. Applied
// twice it gives the id back.
func mask(prefix string, id, random []byte) {
	pad := labelled("mask", prefix, random)
	subtle.XORBytes(id, id, pad[:len(id)])
}

func tokenDigest(prefix string, random []byte) digest { return labelled("digest", prefix, random) }

// labelled hashes 256 random bits for one purpose and one type, so that a digest of one never matches another's.
func labelled(purpose, prefix string, random []byte) [sha256.Size]byte {
	var buffer [64]byte
	b := append(buffer[:0], purpose...)
	b = append(b, prefix...)
	return sha256.Sum256(append(b, random...))
}

// GenerateSecret makes a client secret: its prefix, 256 random bits and a CRC-32 that scanners can verify, in base64url.
func GenerateSecret() string {
	var body [36]byte
	_, _ = rand.Read(body[:32]) // never fails (crypto/rand)
	sum := crc32.ChecksumIEEE(append([]byte(clientSecretPrefix), body[:32]...))
	body[32], body[33], body[34], body[35] = byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum)
	return clientSecretPrefix + base64.RawURLEncoding.EncodeToString(body[:])
}

// isGeneratedSecret reports whether s has the form of GenerateSecret, and thus 256 bits that need no slow hash.
func isGeneratedSecret(s string) bool {
	text, ok := strings.CutPrefix(s, clientSecretPrefix)
	if !ok || len(text) != 48 {
		return false
	}
	body, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(body) != 36 {
		return false
	}
	sum := crc32.ChecksumIEEE(append([]byte(clientSecretPrefix), body[:32]...))
	return [4]byte(body[32:]) == [4]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}
}
