package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/oauth"
)

const (
	// healthTimeout is longer than a server waits for its store before it says that it is not ready.
	healthTimeout = 3 * time.Second
	healthPause   = 200 * time.Millisecond // between two questions of --wait
	maxHealth     = 64 << 10               // bytes of an answer
)

// healthcheck is for whoever runs the server, in an image that has no shell and no curl.
func (c *command) healthcheck() *cobra.Command {
	var wait oauth.Duration
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask the server on this machine whether it is ready",
		Long: "Ask the server on this machine whether it is ready, and end with 0 if it is, with 1 if not. Where it listens is read as " +
			"`grantor serve` reads it: call it with the same flags, variables and file. The certificate of a server that terminates TLS is not checked.",
		Args: takes(0),
	}
	addFlags(cmd.Flags())
	cmd.Flags().TextVar(&wait, "wait", oauth.Duration(0), "`duration` to wait until it is ready, such as 30s (default it is asked once)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := loadConfig(cmd.Flags(), c.environ)
		if err != nil {
			return err
		}
		address, err := cfg.readyAddress()
		if err != nil {
			return err
		}
		if err := awaitReady(cmd.Context(), address, time.Duration(wait)); err != nil {
			return err
		}
		return c.printer(cmd).say("ready", map[string]string{"status": "ready"})
	}
	return cmd
}

// readyAddress is where the server says whether it is ready. A server that listens everywhere is asked on the loopback.
func (c *Config) readyAddress() (string, error) {
	host, port, err := splitListen(c.Listen)
	if err != nil {
		return "", err
	}
	if port == 0 {
		return "", usagef("%s: a server on port 0 chooses one itself, which is not known here", c.label("listen"))
	}
	switch host { // by number: where there is nothing but the binary, nobody knows localhost
	case "", netip.IPv4Unspecified().String():
		host = "127.0.0.1"
	case netip.IPv6Unspecified().String():
		host = "::1"
	}
	scheme := "http"
	if c.TLSCert != "" {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(port)) + "/readyz", nil
}

// awaitReady asks until the server is ready or the time is over, and at least once.
func awaitReady(ctx context.Context, address string, wait time.Duration) error {
	client := newHTTPClient(&http.Transport{
		DisableKeepAlives: true, // no proxy either: the question is for this machine
		// What is asked is no secret, and whose certificate it is, is known: the one that this machine was given, for its public name.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	})
	client.Timeout = healthTimeout
	for end := time.Now().Add(wait); ; {
		err := askReady(ctx, client, address)
		if err == nil || time.Now().After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(healthPause):
		}
	}
}

func askReady(ctx context.Context, client *http.Client, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("ask %s: %w", address, err)
	}
	answer, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("no server answers: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	var why struct {
		Description string `json:"error_description"`
	}
	if json.NewDecoder(io.LimitReader(answer.Body, maxHealth)).Decode(&why) != nil || why.Description == "" {
		return fmt.Errorf("not ready: %s answers %s", address, answer.Status)
	}
	return errors.New("not ready: " + printable(why.Description))
}
