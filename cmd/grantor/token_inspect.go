package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/oauth"
)

func (c *command) tokenInspect() *cobra.Command {
	return &cobra.Command{
		Use:   "inspect TOKEN|-",
		Short: "Tell what a token is worth, and if nothing, why",
		Long:  "Tell what an access token or refresh token is worth, and if nothing, which rule says so. \"-\" reads it from the standard input.",
		Args:  takes(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			token, err := c.readToken(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return c.manage(cmd, standing, func(ctx context.Context, a *app) error { return c.inspectToken(ctx, cmd, a, token) })
		},
	}
}

// shownToken uses the names of RFC 7662. Header and Claims are what a JWT says of itself, true or not.
type shownToken struct {
	Active   bool            `json:"active"`
	Reason   string          `json:"reason,omitempty"` // why it is not active
	Use      string          `json:"token_use,omitempty"`
	ClientID string          `json:"client_id,omitempty"`
	Username string          `json:"username,omitempty"`
	Subject  string          `json:"sub,omitempty"`
	Scope    string          `json:"scope,omitempty"`
	Audience []string        `json:"aud,omitempty"`
	Issued   int64           `json:"iat,omitempty"`
	Expires  int64           `json:"exp,omitempty"`
	AuthTime int64           `json:"auth_time,omitempty"`
	ID       string          `json:"jti,omitempty"`
	Header   json.RawMessage `json:"header,omitempty"`
	Claims   json.RawMessage `json:"claims,omitempty"`
}

func (c *command) inspectToken(ctx context.Context, cmd *cobra.Command, a *app, token string) error {
	seen, why, err := a.provider.Examine(ctx, token)
	if err != nil {
		return err
	}
	s := shownToken{
		Active: seen.Active, Reason: why, Use: seen.Use, ClientID: seen.ClientID, Subject: seen.Subject, Scope: seen.Scope.String(),
		Audience: seen.Audience, Issued: seconds(seen.Issued), Expires: seconds(seen.Expires), AuthTime: seconds(seen.Authenticated), ID: seen.ID,
	}
	if u, err := a.directory.User(ctx, seen.Subject); err == nil { // of a machine there is no user
		s.Username = u.Username
	}
	s.decode(token)
	if why != "" {
		s.Reason += s.hint(a.config.Issuer)
	}
	return c.printer(cmd).record(s.rows(seen), s)
}

// decode reads what a JWT says, without believing it.
func (s *shownToken) decode(token string) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return
	}
	s.Header, s.Claims = decodeJSON(parts[0]), decodeJSON(parts[1])
}

func decodeJSON(part string) json.RawMessage {
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil || !json.Valid(text) {
		return nil
	}
	return text
}

// hint tells when the token was only looked at under another issuer than its own.
func (s *shownToken) hint(issuer string) string {
	var claims struct {
		Issuer string `json:"iss"`
	}
	if s.Claims == nil || json.Unmarshal(s.Claims, &claims) != nil || claims.Issuer == issuer {
		return ""
	}
	return fmt.Sprintf(" (its issuer is %q, and this command took %q: set --issuer to that of the server)", claims.Issuer, issuer)
}

func (s *shownToken) rows(seen *oauth.Introspection) [][]string {
	rows := [][]string{{"active", "yes"}}
	if !s.Active {
		rows = [][]string{{"active", "no"}, {"reason", s.Reason}}
	}
	for _, row := range [][]string{
		{"use", strings.ReplaceAll(s.Use, "_", " ")}, {"client", s.ClientID}, {"user", s.Username}, {"subject", s.Subject}, {"scope", s.Scope},
		{"audience", strings.Join(s.Audience, " ")}, {"issued", shownTime(seen.Issued)}, {"expires", shownTime(seen.Expires)},
		{"authenticated", shownTime(seen.Authenticated)}, {"id", s.ID}, {"header", string(s.Header)}, {"claims", string(s.Claims)},
	} {
		if row[1] != "" {
			rows = append(rows, row)
		}
	}
	return rows
}

func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
