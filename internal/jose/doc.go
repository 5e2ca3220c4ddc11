// Package jose holds all that Grantor does with keys: signing keys, signed tokens (compact JWS), the published key set,
// and the sealing of what lies in the store.
//
// It does not know what a token means: it neither reads nor writes claims, knows no clock, and never fetches a key. The
// algorithm of a token is the one of the key that its kid names, whatever else the token says.
package jose
