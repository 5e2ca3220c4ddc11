package main

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"runtime"
	"sync"
	"time"

	"github.com/grantor-dev/grantor/oauth"
)

const callbackPath = "/callback"

// returning waits on a port of this machine for the browser to come back from the server.
type returning struct {
	state  string
	issuer string
	server *http.Server
	came   chan url.Values // the first answer to our own question
	once   sync.Once
	done   chan struct{}
}

func newReturn(l net.Listener, state, issuer string) *returning {
	r := &returning{state: state, issuer: issuer, came: make(chan url.Values, 1), done: make(chan struct{})}
	r.server = &http.Server{
		Handler: r, ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout, WriteTimeout: answerTimeout, MaxHeaderBytes: maxHeader,
	}
	go func() {
		defer close(r.done)
		_ = r.server.Serve(l) // ends by close
	}()
	return r
}

// close lets the last page reach the browser, and gives the port back.
func (r *returning) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if r.server.Shutdown(ctx) != nil {
		_ = r.server.Close() // a browser that keeps a connection open does not hold us up
	}
	<-r.done
}

// ServeHTTP takes what the browser brings, if it answers our question: any page could send a browser here, but none
// knows the state (RFC 6749 section 10.12).
func (r *returning) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	brought := q.URL.Query()
	if q.Method != http.MethodGet || q.URL.Path != callbackPath {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprintf(w, returnPage, "Nothing here", "This port waits for a login and does nothing else.")
		return
	}
	if subtle.ConstantTimeCompare([]byte(brought.Get("state")), []byte(r.state)) != 1 {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, returnPage, "Not signed in", "This answer belongs to no question of ours. Start again in the terminal.")
		return
	}
	if r.fault(brought) != nil {
		fmt.Fprintf(w, returnPage, "Not signed in", "The terminal says why. You may close this window.")
	} else {
		fmt.Fprintf(w, returnPage, "You are signed in", "You may close this window and go back to the terminal.")
	}
	r.once.Do(func() { r.came <- brought })
}

// returnPage has no address in it and nothing that the browser brought.
const returnPage = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Grantor</title><style>:root{color-scheme:light dark}body{font:1.1rem/1.6 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1.5rem}</style>
<h1>%s</h1><p>%s</p></html>
`

// fault says what is wrong with what the browser brought.
func (r *returning) fault(brought url.Values) error {
	for _, name := range []string{"state", "iss", "code", "error"} {
		if len(brought[name]) > 1 {
			return fmt.Errorf("the answer of the server has more than one %s: start again", name)
		}
	}
	// RFC 9207 section 2.4: an answer of another server must not be taken to this one.
	if brought.Get("iss") != r.issuer {
		return fmt.Errorf("the answer is not of %s: start again, and sign in there", r.issuer)
	}
	switch code := brought.Get("error"); {
	case code == string(oauth.AccessDenied):
		return errors.New("the login was not allowed")
	case code != "":
		return fmt.Errorf("%s refuses the login (%s): %s", r.issuer, printable(code), printable(brought.Get("error_description")))
	case brought.Get("code") == "":
		return errors.New("the answer of the server has no code: start again")
	}
	return nil
}

// wait gives the code that the browser brings.
func (r *returning) wait(ctx context.Context) (code string, err error) {
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case brought := <-r.came:
		return brought.Get("code"), r.fault(brought)
	}
}

// openBrowser tries to. Where it fails, the address stands on the terminal.
func openBrowser(address string) {
	name, args := "xdg-open", []string{address}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", address}
	}
	cmd := exec.Command(name, args...)
	if cmd.Start() == nil {
		go func() { _ = cmd.Wait() }() // so that it is no zombie; the program may end before it
	}
}
