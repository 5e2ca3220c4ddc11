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
	var asked api.TokenRequest
	cmd := &cobra.Command{
		Use:   "inspect TOKEN|-",
		Short: "Tell what a token is worth, and if nothing, why",
		Long: "Tell what an access token or refresh token is worth, and if nothing, which rule says so, and where that rule stands. With --audience:\n" +
			"whether that API would accept it, and if not, why. \"-\" reads the token from the standard input.",
		Example: `  grantor token inspect - --audience https://orders.example.com --scope "orders:read orders:write" < token`,
		Args:    takes(1),
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&asked.Audience, "audience", "", "`URI` of an API: would it accept the token?")
	cmd.Flags().StringVar(&asked.Scope, "scope", "", "`scopes` that the API needs, separated by spaces")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if asked.Scope != "" && asked.Audience == "" {
			return usagef("name the API that needs the scopes: --audience URI")
		}
		token, err := c.readToken(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		asked.Token = token
		return c.work(cmd, standing, func(ctx context.Context, r *remote) error { return c.inspectToken(ctx, cmd, r, &asked) })
	}
	return cmd
}

// shownToken uses the names of RFC 7662. Header and Claims are what a JWT says of itself, true or not.
type shownToken struct {
	api.Inspection
	Header json.RawMessage `json:"header,omitempty"`
	Claims json.RawMessage `json:"claims,omitempty"`
}

func (c *command) inspectToken(ctx context.Context, cmd *cobra.Command, r *remote, asked *api.TokenRequest) error {
	var s shownToken
	if err := r.post(ctx, "/tokens/inspect", asked, &s.Inspection); err != nil {
		return err
	}
	s.decode(asked.Token)
	if s.Reason != "" {
		if cfg, err := loadConfig(cmd.Flags(), c.environ); err == nil && r.bearer == nil {
			s.Reason += s.hint(cfg.Issuer)
		}
	}
	return c.printer(cmd).record(s.rows(asked.Audience, time.Now()), s)
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

func (s *shownToken) rows(audience string, now time.Time) [][]string {
	rows := [][]string{{"active", "yes"}}
	if !s.Active {
		rows = [][]string{{"active", "no"}, {"reason", s.Reason}, {"rule", s.Rule}}
	}
	accepted := ""
	if s.Accepted != nil {
		accepted = "yes, by " + audience
	}
	if s.Refusal != nil {
		accepted = fmt.Sprintf("no, by %s: %s (%s, %s)", audience, s.Refusal.Reason, s.Refusal.Error, s.Refusal.Rule)
	}
	for _, row := range [][]string{
		{"accepted", accepted}, {"kind", s.Kind},
		{"client", s.ClientID}, {"user", s.Username}, {"subject", s.Subject}, {"scope", s.Scope}, {"audience", s.meantFor()},
		{"issued", shownSeconds(s.Issued, now)}, {"expires", shownSeconds(s.Expires, now)}, {"authenticated", shownSeconds(s.AuthTime, now)},
		{"seen by", strings.Join(s.SeenBy, " ")}, {"id", s.ID}, {"header", string(s.Header)}, {"claims", string(s.Claims)},
	} {
		if row[1] != "" {
			rows = append(rows, row)
		}
	}
	return rows
}

// meantFor names the APIs with what people call them.
func (s *shownToken) meantFor() string {
	var named []string
	for _, a := range s.APIs {
		if a.Name == "" {
			a.Name = "not registered"
		}
		if a.Name == a.Identifier {
			named = append(named, a.Identifier)
			continue
		}
		named = append(named, a.Identifier+" ("+a.Name+")")
	}
	return strings.Join(named, ", ")
}

func shownSeconds(since1970 int64, now time.Time) string {
	if since1970 == 0 {
		return ""
	}
	t := time.Unix(since1970, 0)
	return shownTime(t) + ", " + fromNow(t.Sub(now))
}

// fromNow says roughly how far away a moment is.
func fromNow(d time.Duration) string {
	unit, name := time.Second, "second"
	switch away := d.Abs(); {
	case away >= 48*time.Hour:
		unit, name = 24*time.Hour, "day"
	case away >= 2*time.Hour:
		unit, name = time.Hour, "hour"
	case away >= 2*time.Minute:
		unit, name = time.Minute, "minute"
	}
	n := int64(d.Abs().Round(unit) / unit)
	if n == 0 {
		return "now"
	}
	if n != 1 {
		name += "s"
	}
	if d < 0 {
		return fmt.Sprintf("%d %s ago", n, name)
	}
	return fmt.Sprintf("in %d %s", n, name)
}
