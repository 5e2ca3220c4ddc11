package jose

import (
	"fmt"
	"slices"
)

// Algorithm is a JWS signature algorithm. Only asymmetric ones exist here, so a public key can never serve as a secret.
type Algorithm string

// The signature algorithms that Grantor offers.
const (
	ES256 Algorithm = "ES256" // ECDSA on P-256 with SHA-256
	EdDSA Algorithm = "EdDSA" // Ed25519
	RS256 Algorithm = "RS256" // RSA PKCS #1 v1.5 with SHA-256
)

// Algorithms lists what is offered, in the order in which keys are published. It is not to be changed.
var Algorithms = []Algorithm{ES256, EdDSA, RS256}

// Check reports why the algorithm cannot be used, nil if it can.
func (a Algorithm) Check() error {
	if slices.Contains(Algorithms, a) {
		return nil
	}
	return fmt.Errorf("unknown signature algorithm %q: use ES256, EdDSA or RS256", string(a))
}
