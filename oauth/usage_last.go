package oauth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// The prefixes of what LastUsed knows by key.
const (
	clientKeyPrefix        = "client:"
	secretKeyPrefix        = "secret:"
	authorizationKeyPrefix = "authorization:"
)

// ClientKey names a client for LastUsed.
func ClientKey(clientID string) string { return clientKeyPrefix + clientID }

// SecretKey names a secret of a client for LastUsed.
func SecretKey(clientID, secretID string) string { return secretKeyPrefix + clientID + ":" + secretID }

// AuthorizationKey names an authorization for LastUsed.
func AuthorizationKey(id string) string { return authorizationKeyPrefix + id }

// LastUsed tells when clients, secrets and authorizations were last used, precise to a minute (authorizations: to five), as
// far as it is written or was seen by this node. What was never used, or not for long, is absent.
func (p *Provider) LastUsed(ctx context.Context, keys ...string) (map[string]time.Time, error) {
	p.usage.gather()
	q := lastQuery{clients: map[string]clientKey{}, authorizations: map[string]string{}}
	for _, key := range keys {
		q.add(key)
	}
	used := map[string]time.Time{}
	if err := p.usage.lastOfClients(ctx, &q, used); err != nil {
		return nil, err
	}
	return used, p.usage.lastOfAuthorizations(ctx, &q, used)
}

// lastQuery is what LastUsed is asked for, by its key.
type lastQuery struct {
	clients        map[string]clientKey
	authorizations map[string]string
}

func (q *lastQuery) add(key string) {
	if id, ok := strings.CutPrefix(key, clientKeyPrefix); ok {
		q.clients[key] = clientKey{client: id}
	} else if both, ok := strings.CutPrefix(key, secretKeyPrefix); ok {
		client, secret, _ := strings.Cut(both, ":") // a client_id has no colon
		q.clients[key] = clientKey{client, secret}
	} else if id, ok := strings.CutPrefix(key, authorizationKeyPrefix); ok {
		q.authorizations[key] = id
	}
}

func (u *usage) lastOfClients(ctx context.Context, q *lastQuery, used map[string]time.Time) error {
	seen := lastUses{buckets: map[string]*clientUses{}}
	for _, k := range q.clients {
		bucket := clientBucket(k.client)
		if _, known := seen.buckets[bucket]; known {
			continue
		}
		r, err := u.records.clients.Collection.Get(ctx, bucket)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("read last uses of clients: %w", err)
		}
		seen.buckets[bucket] = r
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	seen.pending = u.pending.clients
	for key, k := range q.clients {
		if at := seen.of(k); at > 0 {
			used[key] = at.time()
		}
	}
	return nil
}

// lastUses says when clients and secrets were last used: what is written, and what is not yet.
type lastUses struct {
	buckets map[string]*clientUses
	pending map[clientKey]minute
}

// of gives 0 for what was never used.
func (l *lastUses) of(k clientKey) minute {
	at := l.pending[k]
	r := l.buckets[clientBucket(k.client)]
	if r == nil || r.Clients[k.client] == nil {
		return at
	}
	if k.secret == "" {
		return max(at, r.Clients[k.client].Used)
	}
	return max(at, r.Clients[k.client].Secrets[k.secret])
}

// lastUses gives the last uses of every client, as far as they are written.
func (u *usage) lastUses(ctx context.Context) (*lastUses, error) {
	all, err := u.records.clients.Snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("read last uses of clients: %w", err)
	}
	l := &lastUses{buckets: make(map[string]*clientUses, len(all)), pending: map[clientKey]minute{}}
	for _, r := range all {
		l.buckets[r.ID] = r
	}
	return l, nil
}

// addPending adds the uses of some clients that this node has seen and not written yet.
func (u *usage) addPending(l *lastUses, clients []*Client) {
	u.gather()
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, c := range clients {
		k := clientKey{client: c.ClientID}
		if at, ok := u.pending.clients[k]; ok {
			l.pending[k] = at
		}
	}
}

func (u *usage) lastOfAuthorizations(ctx context.Context, q *lastQuery, used map[string]time.Time) error {
	keys := make([]string, 0, len(q.authorizations))
	for key := range q.authorizations {
		keys = append(keys, key)
	}
	last := make([]minute, len(keys))
	places := make([]int, len(keys))
	for i := range places {
		places[i] = i
	}
	failed := inParallel(places, func(i int) error {
		r, err := u.records.authorizations.Get(ctx, q.authorizations[keys[i]])
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read last use of authorization: %w", err)
		}
		last[i] = r.Used
		return nil
	})
	if err := oneOf(failed); err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for i, key := range keys {
		if at := max(last[i], u.pending.authorizations[q.authorizations[key]].at); at > 0 {
			used[key] = at.time()
		}
	}
	return nil
}
