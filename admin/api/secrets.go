package api

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/grantor-dev/grantor/oauth"
)

func (s *service) secretOperations() {
	register(s, operation{
		method: http.MethodGet, path: "/clients/{client_id}/secrets", id: "list-secrets", tag: secretsTag,
		summary: "List the secrets of an auth client", text: "Lists what is known of each secret. The secrets themselves are not kept.",
	}, s.listSecrets)
	register(s, operation{
		method: http.MethodPost, path: "/clients/{client_id}/secrets", id: "create-secret", tag: secretsTag, status: http.StatusCreated,
		summary: "Add a secret", text: "Makes one more secret for a client, beside those it has. This answer shows it and no other does. A client may have ten.",
		optionalBody: "Without a body the secret has no name and does not end.", example: map[string]any{"name": "deployment of May"},
		problems: []kind{builtIn},
	}, s.createSecret)
	register(s, operation{
		method: http.MethodPost, path: "/clients/{client_id}/secrets/rotate", id: "rotate-secrets", tag: secretsTag, status: http.StatusCreated,
		summary: "Replace the secrets", text: "Makes a new secret and lets all others end: after overlap, or at once. This answer shows it and no other does.",
		optionalBody: "Without a body all other secrets end at once.", example: map[string]any{"name": "deployment of June", "overlap": "1d"},
		problems: []kind{builtIn},
	}, s.rotateSecrets)
	register(s, operation{
		method: http.MethodDelete, path: "/clients/{client_id}/secrets/{secret_id}", id: "revoke-secret", tag: secretsTag,
		summary: "Revoke a secret", text: "Ends one secret at once.", problems: []kind{builtIn},
	}, s.revokeSecret)
}

type (
	createSecretIn struct {
		ClientID string `path:"client_id" doc:"The client_id."`
		body[NewSecret]
	}
	rotateSecretsIn struct {
		ClientID string `path:"client_id" doc:"The client_id."`
		body[Rotation]
	}
	secretIn struct {
		ClientID string `path:"client_id" doc:"The client_id."`
		SecretID string `path:"secret_id" doc:"The id of the secret."`
	}
)

func (s *service) listSecrets(ctx context.Context, in *clientIn) (*plain[Page[Secret]], error) {
	c, _, err := s.Provider.LoadClient(ctx, in.ClientID)
	if err != nil {
		return nil, err
	}
	shown, err := s.withUses(ctx, c)
	if err != nil {
		return nil, err
	}
	return &plain[Page[Secret]]{Page[Secret]{Items: shown.Secrets}.counted(len(shown.Secrets))}, nil
}

func (s *service) createSecret(ctx context.Context, in *createSecretIn) (*made[CreatedSecret], error) {
	n, err := in.value()
	if err != nil {
		return nil, err
	}
	kept, secret, err := s.Provider.AddSecret(ctx, in.ClientID, oauth.NewClientSecret(*n))
	if err != nil {
		return nil, err
	}
	return s.showCreated(in.ClientID, &kept, secret), nil
}

func (s *service) rotateSecrets(ctx context.Context, in *rotateSecretsIn) (*made[CreatedSecret], error) {
	n, err := in.value()
	if err != nil {
		return nil, err
	}
	kept, secret, err := s.Provider.RotateSecrets(ctx, in.ClientID, oauth.NewClientSecret(n.NewSecret), time.Duration(n.Overlap))
	if err != nil {
		return nil, err
	}
	return s.showCreated(in.ClientID, &kept, secret), nil
}

func (s *service) showCreated(clientID string, kept *oauth.ClientSecret, secret string) *made[CreatedSecret] {
	answer := &CreatedSecret{Secret: showSecret(clientID, kept, nil), ClientSecret: secret}
	if !kept.Expires.IsZero() {
		answer.ClientSecretExpiresAt = kept.Expires.Unix()
	}
	return &made[CreatedSecret]{
		Status: http.StatusCreated, Body: answer,
		Location: s.base + Path + "/clients/" + url.PathEscape(clientID) + "/secrets/" + url.PathEscape(kept.ID),
	}
}

func (s *service) revokeSecret(ctx context.Context, in *secretIn) (*nothing, error) {
	return &nothing{}, s.Provider.RevokeSecret(ctx, in.ClientID, in.SecretID)
}
