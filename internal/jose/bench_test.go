package jose

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"testing"
)

func BenchmarkSign(b *testing.B) {
	for _, a := range Algorithms {
		k := testKey(a)
		b.Run(string(a), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = must(k.Sign("at+jwt", []byte(claims)))
			}
		})
	}
	// The floor: the signature alone.
	b.Run("ES256 bare", func(b *testing.B) {
		b.ReportAllocs()
		digest := sha256.Sum256([]byte(claims))
		private := testKey(ES256).private.(*ecdsa.PrivateKey)
		for b.Loop() {
			_ = must(ecdsa.SignASN1(rand.Reader, private, digest[:]))
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	for _, a := range Algorithms {
		k := testKey(a)
		token := must(k.Sign("at+jwt", []byte(claims)))
		b.Run(string(a), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = must(Verify(token, "at+jwt", finder(k)))
			}
		})
	}
}

// BenchmarkVerifyGarbage is what a stranger makes us do with a token of his own.
func BenchmarkVerifyGarbage(b *testing.B) {
	token := forge(otherKey(ES256), headerOf(otherKey(ES256)), claims)
	for b.Loop() {
		if _, err := Verify(token, "at+jwt", finder(testKey(ES256))); err == nil {
			b.Fatal("accepted")
		}
	}
}
