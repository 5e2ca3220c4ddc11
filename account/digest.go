package account

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// digest names a record or a counter after something that was typed or sent. Parts carry their length, so that no two
// lists of parts give the same digest.
func digest(parts ...string) string {
	sum := sha256.Sum256(joined(parts))
	return hex.EncodeToString(sum[:])
}

// keyedDigest is a digest that only this installation can compute.
func keyedDigest(key [32]byte, parts ...string) string {
	return hex.EncodeToString(keyedSum(key, parts...))
}

func keyedSum(key [32]byte, parts ...string) []byte {
	mac := hmac.New(sha256.New, key[:])
	mac.Write(joined(parts))
	return mac.Sum(nil)
}

func joined(parts []string) []byte {
	var b []byte
	for _, p := range parts {
		b = binary.BigEndian.AppendUint64(b, uint64(len(p)))
		b = append(b, p...)
	}
	return b
}
