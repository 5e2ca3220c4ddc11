// RFC 8414: the metadata of the authorization server.
package protect

import (
	"context"
	"errors"
	"hash/maphash"
)

// errAway says that the server could not be asked. It is wrapped by what says why.
var errAway = errors.New("the authorization server is away")

// endpoints are where the server offers what; "" where it does not.
type endpoints struct{ issuer, jwks, introspection, feed string }

// discovery knows the endpoints of the server.
type discovery struct {
	config *Config
	seed   maphash.Seed
}

func newDiscovery(c *Config) *discovery { return &discovery{config: c, seed: maphash.MakeSeed()} }

// endpoints gives what is known at once. While nothing is known it waits for the first attempt to end, and says errAway after.
func (d *discovery) endpoints(context.Context) (endpoints, error) { return endpoints{}, errAway }

// mark gives the 64 bits that stand for a name in this process. The empty name has 0, and no other one.
func (d *discovery) mark(name string) uint64 {
	if name == "" {
		return 0
	}
	return max(1, maphash.String(d.seed, name))
}
