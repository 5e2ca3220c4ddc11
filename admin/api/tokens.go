package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

func (s *service) tokenOperations() {
	register(s, operation{
		method: http.MethodGet, path: "/clients/{client_id}/tokens", id: "count-client-tokens", tag: tokensTag,
		summary: "Count the live tokens of an auth client", text: "Counts what would end if the client were deleted.",
	}, s.countTokens)
	register(s, operation{
		method: http.MethodGet, path: "/clients/{client_id}/authorizations", id: "list-client-authorizations", tag: tokensTag,
		summary: "List what users have allowed an auth client", text: "Lists the authorizations that still stand, the oldest first.",
	}, s.listOfClient)
	register(s, operation{
		method: http.MethodDelete, path: "/clients/{client_id}/authorizations", id: "revoke-client-authorizations", tag: tokensTag, status: http.StatusOK,
		summary: "Revoke all tokens of an auth client", text: "Ends everything that was issued to a client until now, the tokens that it got for itself as well.",
	}, s.revokeOfClient)
	register(s, operation{
		method: http.MethodGet, path: "/users/{user_id}/authorizations", id: "list-user-authorizations", tag: tokensTag,
		summary: "List what a user has allowed", text: "Lists the authorizations that still stand, the oldest first, personal access tokens among them.",
	}, s.listOfUser)
	register(s, operation{
		method: http.MethodDelete, path: "/users/{user_id}/authorizations", id: "revoke-user-authorizations", tag: tokensTag, status: http.StatusOK,
		summary: "Revoke all tokens of a user", text: "Ends everything that a user has allowed until now, personal access tokens as well.",
	}, s.revokeOfUser)
	register(s, operation{
		method: http.MethodGet, path: "/users/{user_id}/consents", id: "list-consents", tag: tokensTag,
		summary: "List the connected apps of a user", text: "Lists the clients to which a user has allowed something, by name.",
	}, s.listConsents)
	register(s, operation{
		method: http.MethodDelete, path: "/users/{user_id}/consents/{client_id}", id: "withdraw-consent", tag: tokensTag,
		summary: "Withdraw what a user allowed a client", text: "Forgets the consent, so that the user is asked again, and ends every authorization that came of it. Personal access tokens stay.",
	}, s.withdrawConsent)
	register(s, operation{
		method: http.MethodGet, path: "/authorizations/{authorization_id}", id: "read-authorization", tag: tokensTag,
		summary: "Read an authorization", text: "Shows one authorization that still stands.",
	}, s.readAuthorization)
	register(s, operation{
		method: http.MethodDelete, path: "/authorizations/{authorization_id}", id: "revoke-authorization", tag: tokensTag,
		summary: "Revoke an authorization", text: "Ends one authorization with all its tokens, at once.",
	}, s.revokeAuthorization)
	register(s, operation{
		method: http.MethodPost, path: "/tokens/inspect", id: "inspect-token", tag: tokensTag,
		summary: "Tell what a token is worth", text: "Tells of an access token or refresh token what it is worth, and if nothing, which rule says so. With an audience: whether that API would accept it, and if not, why.",
		example: map[string]any{"token": "grat_…", "audience": "https://orders.example.com", "scope": "orders:read"},
	}, s.inspectToken)
	register(s, operation{
		method: http.MethodPost, path: "/tokens/revoke", id: "revoke-tokens", tag: tokensTag,
		summary: "Revoke tokens", text: "Ends one token with all that was issued with it; or all of a client, of a user, or what began before a time. Where several are named, all must apply.",
		example: map[string]any{"client_id": "reports", "before": "2026-11-22T00:00:00Z"},
	}, s.revokeTokens)
}

type (
	listOfClientIn struct {
		ClientID string `path:"client_id" doc:"The client_id."`
		Cursor   string `query:"cursor" maxLength:"512" doc:"next_cursor of the page before."`
		Limit    int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"How many to show at most."`
	}
	listOfUserIn struct {
		UserID string `path:"user_id" doc:"The id of the user."`
		Cursor string `query:"cursor" maxLength:"512" doc:"next_cursor of the page before."`
		Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"How many to show at most."`
	}
	consentIn struct {
		UserID   string `path:"user_id" doc:"The id of the user."`
		ClientID string `path:"client_id" doc:"The client_id."`
	}
	authorizationIn struct {
		ID string `path:"authorization_id" doc:"The id of the authorization."`
	}
	inspectIn struct{ body[TokenRequest] }
	revokeIn  struct{ body[Revocation] }
)

func showAuthorization(a *oauth.LiveAuthorization) Authorization {
	return Authorization{
		ID: a.ID, ClientID: a.ClientID, ClientName: a.ClientName, UserID: a.UserID, Username: a.Username, Name: a.Name(), Personal: a.IsPersonal(),
		Scope: a.Scope.String(), Audience: a.Audience, Authenticated: a.Authenticated, Created: a.Created, Expires: a.Expires, LastUsed: a.LastUsed,
	}
}

func (s *service) countTokens(ctx context.Context, in *clientIn) (*plain[LiveTokens], error) {
	live, err := s.Provider.LiveTokens(ctx, in.ClientID)
	return &plain[LiveTokens]{LiveTokens(live)}, err
}

func (s *service) listOfClient(ctx context.Context, in *listOfClientIn) (*many[Authorization], error) {
	if _, err := s.Provider.Client(ctx, in.ClientID); err != nil {
		return nil, err
	}
	return s.listAuthorizations(ctx, "client:"+in.ClientID, in.Cursor, in.Limit)
}

func (s *service) listOfUser(ctx context.Context, in *listOfUserIn) (*many[Authorization], error) {
	if _, err := s.Directory.User(ctx, in.UserID); err != nil {
		return nil, err
	}
	return s.listAuthorizations(ctx, "user:"+in.UserID, in.Cursor, in.Limit)
}

func (s *service) listAuthorizations(ctx context.Context, tag, cursor string, limit int) (*many[Authorization], error) {
	page, next, err := s.Provider.LiveAuthorizations(ctx, tag, cursor, limit)
	if err != nil {
		return nil, err
	}
	return listed(ctx, s, pageOf(page, next, showAuthorization)), nil
}

func (s *service) revokeOfClient(ctx context.Context, in *clientIn) (*plain[Revoked], error) {
	if _, err := s.Provider.Client(ctx, in.ClientID); err != nil {
		return nil, err
	}
	return s.revokeSelected(ctx, oauth.Selection{ClientID: in.ClientID})
}

func (s *service) revokeOfUser(ctx context.Context, in *userIn) (*plain[Revoked], error) {
	if _, err := s.Directory.User(ctx, in.UserID); err != nil {
		return nil, err
	}
	return s.revokeSelected(ctx, oauth.Selection{UserID: in.UserID})
}

func (s *service) revokeSelected(ctx context.Context, which oauth.Selection) (*plain[Revoked], error) {
	ended, err := s.Provider.RevokeSelected(ctx, which)
	return &plain[Revoked]{Revoked{Ended: ended}}, err
}

func (s *service) listConsents(ctx context.Context, in *userIn) (*plain[Page[Consent]], error) {
	if _, err := s.Directory.User(ctx, in.UserID); err != nil {
		return nil, err
	}
	apps, err := s.Provider.AppsOf(ctx, in.UserID)
	if err != nil {
		return nil, err
	}
	return &plain[Page[Consent]]{pageOf(apps, "", func(app *oauth.App) Consent {
		return Consent{
			ClientID: app.Client.ClientID, ClientName: app.Client.ClientName, Scope: app.Scope.String(), Audience: app.Audience,
			Since: app.Since, LastUsed: app.LastUsed, Authorizations: app.Authorizations,
		}
	}).counted(len(apps))}, nil
}

func (s *service) withdrawConsent(ctx context.Context, in *consentIn) (*nothing, error) {
	return &nothing{}, s.Provider.WithdrawApp(ctx, in.UserID, in.ClientID)
}

func (s *service) readAuthorization(ctx context.Context, in *authorizationIn) (*plain[Authorization], error) {
	a, err := s.Provider.LiveAuthorization(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &plain[Authorization]{showAuthorization(a)}, nil
}

func (s *service) revokeAuthorization(ctx context.Context, in *authorizationIn) (*nothing, error) {
	if _, err := s.Provider.LiveAuthorization(ctx, in.ID); err != nil {
		return nil, err
	}
	return &nothing{}, s.Provider.RevokeAuthorization(ctx, in.ID)
}

func (s *service) revokeTokens(ctx context.Context, in *revokeIn) (*plain[Revoked], error) {
	which, err := in.value()
	if err != nil {
		return nil, err
	}
	if which.Token != "" {
		return s.revokeToken(ctx, which)
	}
	selection, err := s.selected(ctx, which)
	if err != nil {
		return nil, err
	}
	return s.revokeSelected(ctx, selection)
}

func (s *service) revokeToken(ctx context.Context, which *Revocation) (*plain[Revoked], error) {
	if which.ClientID != "" || which.UserID != "" || which.Username != "" || !which.Before.IsZero() {
		return nil, invalid.faulty(Fault{Pointer: "/token", Detail: "It must stand alone."})
	}
	ended, err := s.Provider.RevokeToken(ctx, which.Token)
	if err != nil {
		return nil, err
	}
	if ended {
		return &plain[Revoked]{Revoked{Ended: 1}}, nil
	}
	_, why, err := s.Provider.Examine(ctx, which.Token)
	return &plain[Revoked]{Revoked{Reason: why}}, err
}

// selected finds what is named. A name that nobody has is a fault: otherwise a slip would look like success, or leave a
// wider selection.
func (s *service) selected(ctx context.Context, which *Revocation) (oauth.Selection, error) {
	selection := oauth.Selection{ClientID: which.ClientID, UserID: which.UserID, Before: which.Before}
	if which.ClientID != "" {
		if _, err := s.Provider.Client(ctx, which.ClientID); err != nil {
			return selection, unknown(err, "/client_id", "There is no such auth client.")
		}
	}
	if which.UserID != "" && which.Username != "" {
		return selection, invalid.faulty(Fault{Pointer: "/username", Detail: "It must be left out where user_id is there."})
	}
	if which.UserID != "" {
		if _, err := s.Directory.User(ctx, which.UserID); err != nil {
			return selection, unknown(err, "/user_id", "There is no such user.")
		}
	}
	if which.Username != "" {
		user, err := s.Directory.UserByName(ctx, which.Username)
		if err != nil {
			return selection, unknown(err, "/username", "There is no such user.")
		}
		selection.UserID = user.ID
	}
	return selection, nil
}

// unknown makes a wrong field of a name that stands for nothing.
func unknown(err error, pointer, detail string) error {
	if errors.Is(err, store.ErrNotFound) {
		return invalid.faulty(Fault{Pointer: pointer, Detail: detail})
	}
	return err
}
