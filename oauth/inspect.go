package oauth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Inspection explains a token to an admin.
type Inspection struct {
	*Introspection        // of a token that is active; never nil
	Kind           string // what it is, in words
	Rule           Rule   // why it is worth nothing; zero for one that is active
	APIs           []TokenAPI
	SeenBy         []string // the clients that introspection tells of it, its own among them
}

// TokenAPI is one of those that a token is meant for.
type TokenAPI struct {
	Identifier string
	Name       string // "" where no API is registered under the identifier
}

// Inspect explains a token: what it is, what it is worth, and if nothing, which rule says so.
func (p *Provider) Inspect(ctx context.Context, presented string) (*Inspection, error) {
	told := &Inspection{Introspection: &Introspection{}, Kind: kindOf(presented)}
	seen, err := p.examine(ctx, presented)
	var inactive *inactiveError
	if errors.As(err, &inactive) {
		told.Rule = inactive.rule
		return told, nil
	}
	if err != nil {
		return nil, err
	}
	told.Introspection = seen
	if told.Kind == jwtKind {
		told.Kind = "JWT access token"
	}
	if told.APIs, err = p.apisNamed(ctx, seen.Audience); err != nil {
		return nil, err
	}
	told.SeenBy, err = p.onlookers(ctx, seen)
	return told, err
}

const (
	jwtKind       = "JWT"
	nothingOfOurs = "nothing that this server issues"
)

// kindOf goes by the form alone.
func kindOf(presented string) string {
	for prefix, kind := range map[string]string{
		accessPrefix: "opaque access token", personalPrefix: "personal access token", refreshPrefix: "refresh token",
		codePrefix: "authorization code, which is redeemed at the token endpoint", devicePrefix: "device code, which is redeemed at the token endpoint", clientSecretPrefix: "client secret",
	} {
		if strings.HasPrefix(presented, prefix) {
			return kind
		}
	}
	if strings.Count(presented, ".") == 2 {
		return jwtKind
	}
	return nothingOfOurs
}

func (p *Provider) apisNamed(ctx context.Context, audience []string) (named []TokenAPI, err error) {
	x, err := p.registered(ctx)
	if err != nil {
		return nil, err
	}
	for _, identifier := range audience {
		api := TokenAPI{Identifier: identifier}
		switch a := x.byIdentifier[identifier]; {
		case identifier == p.issuer:
			api.Name = "this server"
		case a != nil:
			api.Name = a.Title()
		}
		named = append(named, api)
	}
	return named, nil
}

// onlookers gives the clients that may introspect a token.
func (p *Provider) onlookers(ctx context.Context, seen *Introspection) (ids []string, err error) {
	all, err := p.clients.Snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("list clients: %w", err)
	}
	for _, c := range all {
		if c.IsPublic() || c.Disabled {
			continue
		}
		may, err := p.maySee(ctx, c, seen)
		if err != nil {
			return nil, err
		}
		if may {
			ids = append(ids, c.ClientID)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// Refusal is why an API would refuse a token.
type Refusal struct {
	Code Code // InvalidToken or InsufficientScope
	Rule Rule
}

// WouldAdmit says whether the API with an identifier would serve the bearer of a token, by the rule of Admit, without
// counting it as use. nil where it would; *Error with InvalidRequest where no API can have the identifier.
func (p *Provider) WouldAdmit(ctx context.Context, presented, audience string, scope Scope) (*Refusal, error) {
	_, err := p.judge(ctx, presented, audience, scope)
	var inactive *inactiveError
	if refused := refusal(err); refused != nil && errors.As(refused.Cause, &inactive) {
		return &Refusal{refused.Code, inactive.rule}, nil
	}
	return nil, err
}
