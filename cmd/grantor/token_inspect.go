package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/admin/api"
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
			return c.work(cmd, standing, func(ctx context.Context, r *remote) error { return c.inspectToken(ctx, cmd, r, token) })
		},
	}
}

// shownToken uses the names of RFC 7662. Header and Claims are what a JWT says of itself, true or not.
type shownToken struct {
	api.Inspection
	Header json.RawMessage `json:"header,omitempty"`
	Claims json.RawMessage `json:"claims,omitempty"`
}

func (c *command) inspectToken(ctx context.Context, cmd *cobra.Command, r *remote, token string) error {
	var s shownToken
	if err := r.post(ctx, "/tokens/inspect", api.TokenRequest{Token: token}, &s.Inspection); err != nil {
		return err
	}
	s.decode(token)
	if s.Reason != "" {
		if cfg, err := loadConfig(cmd.Flags(), c.environ); err == nil && r.bearer == nil {
			s.Reason += s.hint(cfg.Issuer)
		}
	}
	return c.printer(cmd).record(s.rows(), s)
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

// hint tells when the token was only looked at under another issuer than its own, as a store allows.
func (s *shownToken) hint(issuer string) string {
	var claims struct {
		Issuer string `json:"iss"`
	}
	if s.Claims == nil || json.Unmarshal(s.Claims, &claims) != nil || claims.Issuer == issuer {
		return ""
	}
	return fmt.Sprintf(" (its issuer is %q, and this command took %q: set --issuer to that of the server)", claims.Issuer, issuer)
}

func (s *shownToken) rows() [][]string {
	rows := [][]string{{"active", "yes"}}
	if !s.Active {
		rows = [][]string{{"active", "no"}, {"reason", s.Reason}}
	}
	for _, row := range [][]string{
		{"use", strings.ReplaceAll(s.Use, "_", " ")}, {"client", s.ClientID}, {"user", s.Username}, {"subject", s.Subject}, {"scope", s.Scope},
		{"audience", strings.Join(s.Audience, " ")}, {"issued", shownSeconds(s.Issued)}, {"expires", shownSeconds(s.Expires)},
		{"authenticated", shownSeconds(s.AuthTime)}, {"id", s.ID}, {"header", string(s.Header)}, {"claims", string(s.Claims)},
	} {
		if row[1] != "" {
			rows = append(rows, row)
		}
	}
	return rows
}

func shownSeconds(since1970 int64) string {
	if since1970 == 0 {
		return ""
	}
	return shownTime(time.Unix(since1970, 0))
}
