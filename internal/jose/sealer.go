package jose

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
)

// ErrSealed is answered to what was sealed under another key, for another purpose, or has been damaged since.
var ErrSealed = errors.New("cannot be opened with this master key")

// MasterSize is the size of a master key in bytes.
const MasterSize = 32

// The sealed form: one byte of format, then the random nonce and the ciphertext with its tag.
const sealFormat = 1

// Sealer encrypts what lies in the store under a master key that does not lie there: AES-256-GCM with a random nonce, under
// a key of its own for every purpose. Sealed things are few, so nonces do not meet.
type Sealer struct{ master []byte }

// NewSealer takes a master key of MasterSize random bytes.
func NewSealer(master []byte) (*Sealer, error) {
	if len(master) != MasterSize {
		return nil, fmt.Errorf("master key of %d bytes: want %d", len(master), MasterSize)
	}
	return &Sealer{master: append([]byte(nil), master...)}, nil
}

// Seal encrypts plain so that only Open with the same master key and purpose reads it.
func (s *Sealer) Seal(purpose string, plain []byte) ([]byte, error) {
	aead, err := s.cipher(purpose)
	if err != nil {
		return nil, err
	}
	sealed := make([]byte, 1, 1+aead.Overhead()+len(plain))
	sealed[0] = sealFormat
	return aead.Seal(sealed, nil, plain, bound(purpose)), nil
}

// Open decrypts what Seal gave for the same purpose. ErrSealed.
func (s *Sealer) Open(purpose string, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 || sealed[0] != sealFormat {
		return nil, ErrSealed
	}
	aead, err := s.cipher(purpose)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, sealed[1:], bound(purpose))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

func (s *Sealer) cipher(purpose string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, s.master, nil, "grantor seal 1: "+purpose, 32)
	if err != nil {
		return nil, fmt.Errorf("derive sealing key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("derive sealing key: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// bound is the associated data: format and purpose cannot be changed without the ciphertext.
func bound(purpose string) []byte { return append([]byte{sealFormat}, purpose...) }

// String keeps the master key out of any log.
func (s *Sealer) String() string { return "sealer" }

// GoString is String: %#v would print the master key.
func (s *Sealer) GoString() string { return s.String() }
