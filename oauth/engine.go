package oauth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-oauth2/oauth2/v4"
	"github.com/go-oauth2/oauth2/v4/manage"
	"github.com/go-oauth2/oauth2/v4/models"

	"github.com/grantor-dev/grantor/store"
)

// The engine of the authorization code and client credentials grants is go-oauth2's manage.Manager. It runs over an
// engineRun, which holds one request: no default of the library is in use, what it asks for was proven before, and what
// it creates is written by one Create or Swap. Its own checks stand behind ours, as a second line.

// engineRun is the library's view of one request: its client store, token store and generators. It serves one request after
// the other, as a manager costs more to make than to run.
type engineRun struct {
	p       *Provider
	manager *manage.Manager
	access  manage.Config

	client *Client
	grant  *grant
	tokens *Tokens
	code   string
}

// errEngine reports a call that no grant of ours should lead to.
var errEngine = errors.New("the engine asked for something that this grant does not have")

// engineFor gives a run for a request, of which finish must follow.
func (p *Provider) engineFor(c *Client, g *grant) *engineRun {
	run, _ := p.engines.Get().(*engineRun)
	if run == nil {
		run = newEngineRun(p)
	}
	run.client, run.grant, run.access.AccessTokenExp = c, g, g.form.lifetime
	return run
}

// finish forgets the request.
func (run *engineRun) finish() {
	run.client, run.grant, run.tokens, run.code = nil, nil, nil, ""
	run.p.engines.Put(run)
}

func newEngineRun(p *Provider) *engineRun {
	run := &engineRun{p: p}
	m := manage.NewManager()
	m.MapClientStorage(run)
	m.MapTokenStorage(run)
	m.MapAuthorizeGenerate(codeGenerator{run})
	m.MapAccessGenerate(accessGenerator{run})
	m.SetValidateURIHandler(func(_, uri string) error {
		if !run.client.AllowsRedirect(uri) {
			return refuse(InvalidGrant, "redirect_uri is not registered").
				By("redirect_uri equals a registered one, byte for byte", redirectSource).But(func() string { return run.client.nearRedirect(uri) })
		}
		return nil
	})
	m.SetAuthorizeCodeTokenCfg(&run.access)
	m.SetClientTokenCfg(&run.access)
	m.SetAuthorizeCodeExp(p.lifetimes.Code)
	run.manager = m
	return run
}

// engineToken issues the tokens of a proven grant.
func (p *Provider) engineToken(ctx context.Context, c *Client, r *TokenRequest, g *grant) (*Tokens, error) {
	run := p.engineFor(c, g)
	defer run.finish()
	request := &oauth2.TokenGenerateRequest{ClientID: c.ClientID, UserID: g.authorization.UserID, Scope: g.scope.String()}
	if g.authorization.Code != nil {
		request.Code, request.RedirectURI, request.CodeVerifier = r.Code, r.RedirectURI, r.CodeVerifier
	}
	_, err := run.manager.GenerateAccessToken(ctx, oauth2.GrantType(r.GrantType), request)
	if err != nil {
		return nil, engineError(err)
	}
	return run.tokens, nil
}

// engineCode issues the code of an authorization.
func (p *Provider) engineCode(ctx context.Context, c *Client, a *Authorization) (string, error) {
	run := p.engineFor(c, &grant{authorization: a, isNew: true})
	defer run.finish()
	_, err := run.manager.GenerateAuthToken(ctx, oauth2.Code, &oauth2.TokenGenerateRequest{
		ClientID: c.ClientID, UserID: a.UserID, RedirectURI: a.Code.RedirectURI, Scope: a.Scope.String(),
		CodeChallenge: a.Code.Challenge, CodeChallengeMethod: oauth2.CodeChallengeS256,
	})
	if err != nil {
		return "", engineError(err)
	}
	return run.code, nil
}

// engineError keeps our own errors as they are. The library's own refusals can only follow from a fault of ours, since
// everything was proven before; they are answered as an invalid grant, and their cause is logged.
func engineError(err error) error {
	if refusal(err) != nil || store.IsUnavailable(err) || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
		return err
	}
	if errors.Is(err, errEngine) || errors.Is(err, errIssue) {
		return err
	}
	return refuse(InvalidGrant, "the grant is not valid").By("a grant is valid", "RFC 6749 section 5.2").because(err)
}

// errIssue marks a failure of ours while tokens were made or kept, which is no fault of the caller.
var errIssue = errors.New("issue tokens")

// GetByID gives the client of this request, which is authenticated already.
func (run *engineRun) GetByID(_ context.Context, id string) (oauth2.ClientInfo, error) {
	if id != run.client.ClientID {
		return nil, errEngine
	}
	return engineClient{run.client}, nil
}

// GetByCode gives the code of this request, which is proven already.
func (run *engineRun) GetByCode(_ context.Context, code string) (oauth2.TokenInfo, error) {
	a := run.grant.authorization
	info := models.NewToken()
	info.SetClientID(a.ClientID)
	info.SetUserID(a.UserID)
	if a.Code.URIGiven {
		info.SetRedirectURI(a.Code.RedirectURI)
	}
	info.SetScope(a.Scope.String())
	info.SetCode(code)
	info.SetCodeCreateAt(time.Now()) // its expiry was checked against Provider.Now
	info.SetCodeExpiresIn(time.Minute)
	info.SetCodeChallenge(a.Code.Challenge)
	info.SetCodeChallengeMethod(oauth2.CodeChallengeS256)
	return info, nil
}

// RemoveByCode does nothing: the code is consumed by the Swap in Create, together with the issue of its tokens.
func (run *engineRun) RemoveByCode(context.Context, string) error { return nil }

// Create keeps what the generators made.
func (run *engineRun) Create(ctx context.Context, _ oauth2.TokenInfo) error {
	err := run.p.keep(ctx, run.grant)
	if err != nil {
		return fmt.Errorf("%w: %w", errIssue, err)
	}
	return nil
}

// RemoveByAccess is not used: oauth/revoke.go revokes.
func (run *engineRun) RemoveByAccess(context.Context, string) error { return errEngine }

// RemoveByRefresh is not used: oauth/revoke.go revokes.
func (run *engineRun) RemoveByRefresh(context.Context, string) error { return errEngine }

// GetByAccess is not used: oauth/introspect.go reads tokens.
func (run *engineRun) GetByAccess(context.Context, string) (oauth2.TokenInfo, error) {
	return nil, errEngine
}

// GetByRefresh is not used: oauth/grant_refresh.go refreshes.
func (run *engineRun) GetByRefresh(context.Context, string) (oauth2.TokenInfo, error) {
	return nil, errEngine
}

type codeGenerator struct{ run *engineRun }

// Token mints the code and notes its digest in the authorization.
func (g codeGenerator) Token(context.Context, *oauth2.GenerateBasic) (string, error) {
	a := g.run.grant.authorization
	code, t := g.run.p.tokens().mint(codePrefix, a.ID)
	a.Code.Digest = t.digest
	g.run.code = code
	return code, nil
}

type accessGenerator struct{ run *engineRun }

// Token mints access and refresh token and notes them in the authorization.
func (g accessGenerator) Token(ctx context.Context, _ *oauth2.GenerateBasic, _ bool) (access, refresh string, err error) {
	tokens, err := g.run.p.mint(ctx, g.run.client, g.run.grant)
	if err != nil {
		return "", "", fmt.Errorf("%w: %w", errIssue, err)
	}
	g.run.tokens = tokens
	return tokens.AccessToken, tokens.RefreshToken, nil
}

// engineClient is the library's view of a client.
type engineClient struct{ c *Client }

// GetID is the client_id.
func (e engineClient) GetID() string { return e.c.ClientID }

// GetSecret is empty: secrets are kept as hashes, and oauth/authenticate.go has verified the one presented.
func (e engineClient) GetSecret() string { return "" }

// GetDomain is empty: redirect URIs are compared by AllowsRedirect.
func (e engineClient) GetDomain() string { return "" }

// IsPublic reports whether the client has no secret.
func (e engineClient) IsPublic() bool { return e.c.IsPublic() }

// GetUserID is empty: clients belong to no user.
func (e engineClient) GetUserID() string { return "" }

// VerifyPassword holds, as no request reaches the engine before its client is authenticated.
func (e engineClient) VerifyPassword(string) bool { return true }
