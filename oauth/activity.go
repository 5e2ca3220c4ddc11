package oauth

import (
	"sync/atomic"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// Activity is what this node has done since it started, and how it stands, for whoever watches it.
type Activity struct {
	Issued          []Issued
	Lookups         []store.Lookups
	FeedSubscribers int           // streams of the revocation feed that are open
	FeedSilent      time.Duration // since the store last said what there is to tell; an hour where it never did
}

// Issued counts the access tokens of one sort.
type Issued struct {
	Grant  GrantType // or PersonalAccessToken
	Format AccessTokenFormat
	Tokens int64
}

// Activity tells what there is to know without asking the store.
func (p *Provider) Activity() Activity {
	f := p.feed
	f.mu.Lock()
	open := f.open
	f.mu.Unlock()
	return Activity{
		Issued:          p.usage.made.list(),
		Lookups:         []store.Lookups{p.clients.Lookups(), p.apis.Lookups(), p.withdrawals.Lookups(), p.usage.records.clients.Lookups()},
		FeedSubscribers: open, FeedSilent: f.silent(),
	}
}

// madeTokens counts access tokens by grant and format.
type madeTokens [len(countedGrants)][len(countedFormats)]atomic.Int64

var (
	countedGrants  = [...]GrantType{AuthorizationCode, ClientCredentials, RefreshToken, DeviceCode, PersonalAccessToken}
	countedFormats = [...]AccessTokenFormat{Opaque, JWT}
)

func (m *madeTokens) add(grant GrantType, format AccessTokenFormat) {
	for i, g := range countedGrants {
		if g != grant {
			continue
		}
		if format == JWT {
			m[i][1].Add(1)
		} else {
			m[i][0].Add(1)
		}
	}
}

func (m *madeTokens) list() []Issued {
	var all []Issued
	for i, grant := range countedGrants {
		for j, format := range countedFormats {
			all = append(all, Issued{grant, format, m[i][j].Load()})
		}
	}
	return all
}
