// Command device is a program without a keyboard and a browser of its own: it shows a code, waits until a person has typed
// it elsewhere and has allowed access (RFC 8628), and then calls an API in that person's name.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

func main() {
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	issuer := setting("ISSUER", "http://localhost:8080")
	config := &oauth2.Config{
		ClientID: setting("CLIENT_ID", "demo-device"), // public: whoever has the device in hand could read a secret
		Scopes:   strings.Fields(setting("SCOPE", "api:read")),
		Endpoint: oauth2.Endpoint{
			DeviceAuthURL: issuer + "/oauth2/device_authorization",
			TokenURL:      issuer + "/oauth2/token",
			AuthStyle:     oauth2.AuthStyleInParams,
		},
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Timeout: 10 * time.Second})
	token, err := letIn(ctx, config)
	if err != nil {
		log.Fatal(err)
	}
	client := config.Client(ctx, token) // renews the token when it must
	answer, err := call(ctx, client, setting("API", "http://127.0.0.1:9000")+"/orders")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(answer)
}

// letIn shows a code and waits until a person answers. One that nobody typed is over: a new one is for when somebody is there
// again (RFC 8628 section 3.5).
func letIn(ctx context.Context, config *oauth2.Config) (*oauth2.Token, error) {
	codes, err := config.DeviceAuth(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask for a code: %w", err)
	}
	fmt.Printf("Open %s on a phone or a computer, and enter\n\n  %s\n\n", codes.VerificationURI, codes.UserCode)
	token, err := config.DeviceAccessToken(ctx, codes) // asks as often as the server says, and slows down where it says so
	switch refused := (*oauth2.RetrieveError)(nil); {
	case err == nil:
		return token, nil
	case ctx.Err() != nil:
		return nil, errors.New("nobody is signed in")
	case errors.As(err, &refused) && refused.ErrorCode == "access_denied":
		return nil, errors.New("access was not allowed")
	case errors.As(err, &refused) && refused.ErrorCode == "expired_token", !time.Now().Before(codes.Expiry):
		return nil, errors.New("nobody has entered the code while it was good: start again")
	}
	return nil, fmt.Errorf("get a token: %w", err)
}

// call asks the API.
func call(ctx context.Context, client *http.Client, address string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }() // it was read
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %d: %s", address, response.StatusCode, body)
	}
	return string(body), err
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
