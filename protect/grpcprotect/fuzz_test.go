package grpcprotect

import (
	"strings"
	"testing"

	"google.golang.org/grpc/metadata"
)

// FuzzBearer: a token comes from one value of the scheme Bearer, whole; two values are refused whatever they are.
func FuzzBearer(f *testing.F) {
	for _, seed := range [][2]string{{"Bearer a", ""}, {"bearer  a b", "Bearer c"}, {"Basic a", ""}, {"Bearer", ""}, {"", ""}, {"\tBearer a", "x"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, one, other string) {
		token, err := bearer(metadata.NewIncomingContext(t.Context(), metadata.MD{"authorization": {one}}))
		if err != nil || token != "" && (!strings.EqualFold(one[:7], "Bearer ") || strings.TrimLeft(one[7:], " ") != token) {
			t.Errorf("%q gives %q, %v", one, token, err)
		}
		if token, err := bearer(metadata.NewIncomingContext(t.Context(), metadata.MD{"authorization": {one, other}})); err == nil || token != "" {
			t.Errorf("%q and %q give %q", one, other, token)
		}
	})
}
