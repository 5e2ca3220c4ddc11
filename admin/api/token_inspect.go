package api

import (
	"context"
	"errors"
	"time"

	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

func (s *service) inspectToken(ctx context.Context, in *inspectIn) (*plain[Inspection], error) {
	presented, err := in.value()
	if err != nil {
		return nil, err
	}
	if presented.Token == "" {
		return nil, invalid.faulty(Fault{Pointer: "/token", Detail: "It must be there."})
	}
	seen, err := s.Provider.Inspect(ctx, presented.Token)
	if err != nil {
		return nil, err
	}
	answer := showInspection(seen)
	user, err := s.Directory.User(ctx, seen.Subject)
	if err != nil && !errors.Is(err, store.ErrNotFound) { // a client acting for itself is no user
		return nil, err
	}
	if err == nil {
		answer.Username = user.Username
	}
	if presented.Audience == "" && presented.Scope == "" {
		return &plain[Inspection]{answer}, nil
	}
	if err := s.tryToken(ctx, presented, &answer); err != nil {
		return nil, err
	}
	return &plain[Inspection]{answer}, nil
}

func showInspection(seen *oauth.Inspection) Inspection {
	answer := Inspection{
		Active: seen.Active, Kind: seen.Kind, Reason: seen.Rule.Why, Rule: seen.Rule.Source, Use: seen.Use, ClientID: seen.ClientID, Subject: seen.Subject,
		Scope: seen.Scope.String(), Audience: seen.Audience, Issued: seconds(seen.Issued), Expires: seconds(seen.Expires),
		AuthTime: seconds(seen.Authenticated), ID: seen.ID, SeenBy: seen.SeenBy,
	}
	for _, a := range seen.APIs {
		answer.APIs = append(answer.APIs, TokenAPI(a))
	}
	return answer
}

// tryToken says whether an API would accept a token.
func (s *service) tryToken(ctx context.Context, presented *TokenRequest, answer *Inspection) error {
	scope, ok := oauth.ParseScope(presented.Scope)
	if !ok {
		return invalid.faulty(Fault{Pointer: "/scope", Detail: "It must be scopes, separated by spaces."})
	}
	refusal, err := s.Provider.WouldAdmit(ctx, presented.Token, presented.Audience, scope)
	var wrong *oauth.Error
	if errors.As(err, &wrong) && wrong.Code == oauth.InvalidRequest {
		return invalid.faulty(Fault{Pointer: "/audience", Detail: "It must be the identifier of an API, and not that of this server."})
	}
	if err != nil {
		return err
	}
	accepted := refusal == nil
	answer.Accepted = &accepted
	if refusal != nil {
		answer.Refusal = &TokenRefusal{Error: string(refusal.Code), Reason: refusal.Rule.Why, Rule: refusal.Rule.Source}
	}
	return nil
}

func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
