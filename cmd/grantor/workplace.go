package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// workplace is where a command works: at a server, by its REST API, or on a store directly.
type workplace struct {
	server string // URL that the server is known by; "" for the store
	naming naming
}

// naming says what named a server, so that credentials go only where they belong.
type naming string

const (
	byFlag     naming = "--server"
	byVariable naming = serverVariable
	byLogin    naming = "the saved login"
)

// Variables of programs that use a server.
const (
	serverVariable       = "GRANTOR_SERVER"
	clientIDVariable     = "GRANTOR_CLIENT_ID"
	clientSecretVariable = "GRANTOR_CLIENT_SECRET"
	tokenVariable        = "GRANTOR_TOKEN"
)

// remoteSettings are what a command that works at a server takes besides its own flags. They stand in the table of the
// README, and are no settings of a server.
func remoteSettings() []setting {
	const section = "Commands at a server"
	return []setting{
		{section: section, name: "server", sources: fromEnvironment | fromFlag, help: "URL of the server that commands work at; otherwise that of `grantor login`"},
		{section: section, name: "token", sources: fromEnvironment, help: "personal access token for `GRANTOR_SERVER`"},
		{section: section, name: "client_id", sources: fromEnvironment, help: "client that a program acts as at `GRANTOR_SERVER`, by client credentials with the scope `admin`"},
		{section: section, name: "client_secret", sources: fromEnvironment, help: "secret of that client"},
	}
}

// atServer gives commands the flag that names a server.
func atServer(cmd *cobra.Command) *cobra.Command {
	cmd.PersistentFlags().String("server", "", "`URL` of the server to work at (default that of `grantor login`)")
	return cmd
}

// variable gives a variable of the environment.
func (c *command) variable(name string) string {
	value := ""
	for _, one := range c.environ {
		if rest, ok := strings.CutPrefix(one, name+"="); ok {
			value = rest
		}
	}
	return value
}

var errNowhere = errors.New("there is nothing to work on: sign in to a server with `grantor login --server URL`, name a server with --server or " +
	"GRANTOR_SERVER, or name a store with --store or GRANTOR_STORE")

// workplace finds out where a command is to work: --store; --server; GRANTOR_SERVER; the server of the saved login;
// GRANTOR_STORE or the store of the configuration; the default store, if it is there.
func (c *command) workplace(cmd *cobra.Command) (workplace, error) {
	flags := cmd.Flags()
	server := flags.Lookup("server")
	if flags.Changed("store") && server != nil && server.Changed {
		return workplace{}, usagef("--server and --store name two places to work on: keep one of the two")
	}
	if flags.Changed("store") {
		return workplace{}, nil
	}
	if found, err := c.namedServer(cmd); err != nil || found.server != "" {
		return found, err
	}
	saved, err := c.readCredentials()
	if err != nil {
		return workplace{}, err
	}
	if saved.Current != "" {
		return workplace{saved.Current, byLogin}, nil
	}
	cfg, err := loadConfig(flags, c.environ)
	if err != nil || cfg.origins["store"] != layerDefault || cfg.Store.scheme() != "bolt" {
		return workplace{}, err
	}
	if _, err := os.Stat(cfg.Store.path()); errors.Is(err, fs.ErrNotExist) {
		return workplace{}, errNowhere
	}
	return workplace{}, nil
}

// namedServer gives the server of --server or GRANTOR_SERVER, none where neither is set.
func (c *command) namedServer(cmd *cobra.Command) (workplace, error) {
	found := workplace{c.variable(serverVariable), byVariable}
	if flag := cmd.Flags().Lookup("server"); flag != nil && flag.Changed {
		found = workplace{flag.Value.String(), byFlag}
	}
	if found.server == "" && found.naming == byVariable {
		return workplace{}, nil
	}
	address, err := serverURL(found.server)
	if err != nil {
		return workplace{}, usagef("%s: %w", found.naming, err)
	}
	found.server = address
	return found, nil
}

// serverURL checks the URL of a server, which is its issuer. Over plain http a password or a token could be read on the
// way, so it leads to this machine only.
func serverURL(raw string) (string, error) {
	issuer, err := parseIssuer(strings.TrimSpace(raw))
	if err != nil {
		return "", err
	}
	if err := confidential(issuer); err != nil {
		return "", err
	}
	return issuer, nil
}

// confidential says why an address must not be sent anything secret.
func confidential(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return errors.New("it is not a URL")
	}
	switch {
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("plain http is for this machine only: write https://%s", u.Host)
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && net.IP(ip.AsSlice()).IsLoopback()
}
