package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/oauth2"

	"github.com/grantor-dev/grantor/admin/api"
	"github.com/grantor-dev/grantor/oauth"
)

// loginTime is how long a person may take in the browser.
const loginTime = 10 * time.Minute

func (c *command) login() *cobra.Command {
	var noBrowser, device bool
	cmd := &cobra.Command{
		Use:   "login",
		Short: "Sign in to a server through the browser",
		Long: "Sign in to a server through the browser, and keep the login for the commands that follow. It reaches what you may do there, ends with\n" +
			"`grantor logout` or when it is revoked, and lies in a file that only you can read. The server is --server, GRANTOR_SERVER, or the one\n" +
			"that was signed in to last. The browser must run on this machine: it comes back to a port of it. Where it does not, as over SSH,\n" +
			"--device shows a code to type in a browser anywhere else; the server must have cli_device_login.",
		Example: `  grantor login --server https://auth.example.com
  grantor login --server http://localhost:8080 --no-browser
  grantor login --server https://auth.example.com --device`,
		Args: takes(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			to, err := c.serverOf(cmd)
			if err != nil {
				return err
			}
			if device {
				return c.runLogin(cmd, to, c.throughDevice)
			}
			return c.runLogin(cmd, to, c.throughBrowser(browsing(!noBrowser)))
		},
	}
	cmd.Flags().BoolVar(&noBrowser, "no-browser", false, "print the address only, to be opened by hand")
	cmd.Flags().BoolVar(&device, "device", false, "show a code to type in a browser on another machine")
	return atServer(cmd)
}

// wayIn gets a person the tokens of a login.
type wayIn func(ctx context.Context, client *http.Client, at *endpoints) (*login, error)

// browsing is whether a browser is opened.
type browsing bool

// serverOf finds the server of a command that makes sense at a server only.
func (c *command) serverOf(cmd *cobra.Command) (string, error) {
	if cmd.Flags().Changed("store") {
		return "", usagef("`%s` is about a server: a store is not signed in to", cmd.CommandPath())
	}
	named, err := c.namedServer(cmd)
	if err != nil || named.server != "" {
		return named.server, err
	}
	saved, err := c.readCredentials()
	if err != nil {
		return "", err
	}
	if saved.Current == "" {
		return "", usagef("name the server: `%s --server https://auth.example.com`", cmd.CommandPath())
	}
	return saved.Current, nil
}

func (c *command) runLogin(cmd *cobra.Command, server string, in wayIn) error {
	client := newHTTPClient(nil)
	at, err := discover(cmd.Context(), client, server)
	if err != nil {
		return err
	}
	if at.Authorization == "" || at.Token == "" {
		return fmt.Errorf("%s offers no login for programs", server)
	}
	given, err := in(cmd.Context(), client, at)
	if err != nil && cmd.Context().Err() != nil {
		return errors.New("the login was broken off: nobody is signed in by it")
	}
	if err != nil {
		return err
	}
	me, err := whoIs(cmd.Context(), client, server, given.AccessToken)
	if err != nil {
		return err
	}
	given.Username = me.Actor.Name
	if err := c.saveLogin(server, *given); err != nil {
		return err
	}
	p := c.printer(cmd)
	if !p.asJSON {
		fmt.Fprintf(c.out, "Signed in to %s as %s, who %s.\n", server, printable(me.Actor.Name), powers(me.SuperAdmin, me.Permissions))
		return nil
	}
	return p.json(shownMe{Server: server, Me: *me})
}

// throughBrowser waits for a browser on this machine.
func (c *command) throughBrowser(open browsing) wayIn {
	return func(ctx context.Context, client *http.Client, at *endpoints) (*login, error) {
		limited, cancel := context.WithTimeout(ctx, loginTime)
		defer cancel()
		given, err := c.authorize(limited, client, at, open)
		if err != nil && limited.Err() != nil && ctx.Err() == nil {
			return nil, fmt.Errorf("nobody has signed in within %s: try again", loginTime)
		}
		return given, err
	}
}

// authorize takes a person through login and consent: authorization code with PKCE (RFC 7636), back to a port of this
// machine (RFC 8252 section 7.3).
func (c *command) authorize(ctx context.Context, client *http.Client, at *endpoints, open browsing) (*login, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open a port for the browser to come back to: %w", err)
	}
	config := oauth2.Config{
		ClientID: oauth.CommandLineClient, Scopes: []string{oauth.AdminScope}, RedirectURL: "http://" + listener.Addr().String() + callbackPath,
		Endpoint: oauth2.Endpoint{AuthURL: at.Authorization, TokenURL: at.Token, AuthStyle: oauth2.AuthStyleInParams},
	}
	verifier := oauth2.GenerateVerifier()
	r := newReturn(listener, rand.Text(), at.Issuer)
	defer r.close()
	address := config.AuthCodeURL(r.state, oauth2.S256ChallengeOption(verifier))
	fmt.Fprintf(c.err, "Open this address in a browser on this machine to sign in:\n\n  %s\n\n", address)
	if open {
		openBrowser(address)
	}
	code, err := r.wait(ctx)
	if err != nil {
		return nil, err
	}
	issued, err := config.Exchange(context.WithValue(ctx, oauth2.HTTPClient, client), code, oauth2.VerifierOption(verifier))
	if err != nil {
		return nil, noToken(at, err)
	}
	return loginOf(at, issued), nil
}

func noToken(at *endpoints, err error) error {
	if code := errorCode(err); code != "" {
		return fmt.Errorf("%s gives no token (%s): try again", at.Issuer, printable(code))
	}
	return fmt.Errorf("get a token from %s: %w", at.Issuer, withoutBody(err))
}

func loginOf(at *endpoints, issued *oauth2.Token) *login {
	return &login{
		AccessToken: issued.AccessToken, RefreshToken: issued.RefreshToken, Expires: issued.Expiry, Token: at.Token, Revocation: at.Revocation,
	}
}

// whoIs asks a server whom a token acts for.
func whoIs(ctx context.Context, client *http.Client, server, token string) (*api.Me, error) {
	r := &remote{base: server + api.Path, place: server, client: client, bearer: fixedToken{token, server}}
	me := &api.Me{}
	return me, r.get(ctx, "/me", me)
}

// saveLogin keeps a login. What it replaces is not revoked: another terminal may be about to use it.
func (c *command) saveLogin(server string, given login) error {
	return c.changeCredentials(func(saved *credentials) error {
		saved.Current, saved.Servers[server] = server, given
		return nil
	})
}
