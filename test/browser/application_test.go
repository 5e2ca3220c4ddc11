package browser

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/authtest"
)

// application is a client that listens on a loopback port for the answers to its requests.
type application struct {
	*authtest.App
	t       testing.TB
	origin  string
	answers chan answer
}

// answer is a request that arrived at the redirect URI.
type answer struct {
	method string
	query  url.Values
	body   url.Values
}

// listen starts an application of the seed on a loopback host: 127.0.0.1, localhost or [::1].
func listen(t testing.TB, server *authtest.Server, id, host string) *application {
	t.Helper()
	address := "127.0.0.1:0"
	if host == "[::1]" {
		address = "[::1]:0"
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Skipf("nothing can listen on %s: %v", host, err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	a := &application{t: t, origin: "http://" + host + ":" + port, answers: make(chan answer, 4)}
	a.App = &authtest.App{Server: server, ID: id, Redirect: a.origin + "/callback", Method: authtest.Public}
	if id == keeperID || id == plainID {
		a.Method, a.Secret = authtest.Basic, keptKey
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/callback", a.callback)
	web := &http.Server{Handler: mux, ReadHeaderTimeout: patience}
	go func() { _ = web.Serve(listener) }() // ends when the test closes it
	t.Cleanup(func() { _ = web.Close() })
	return a
}

func (a *application) callback(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprint(w, `<!doctype html><title>Application</title><link rel="icon" href="data:,"><p>Back at the application`) // the browser may be gone
	a.answers <- answer{r.Method, r.URL.Query(), r.PostForm}
}

// answered waits for the answer to a request and checks what every answer carries.
func (a *application) answered(b *tab, asked *authtest.Asked) answer {
	a.t.Helper()
	select {
	case got := <-a.answers:
		b.await("the tab is back at the application", `location.href.startsWith(%s) && `+complete, a.Redirect)
		params := got.query
		if got.method == http.MethodPost {
			params = got.body
		}
		a.Server.Keep(params.Get("code"))
		if params.Get("state") != asked.State || params.Get("iss") != a.Server.Issuer {
			a.t.Errorf("state and iss of the answer are %q and %q", params.Get("state"), params.Get("iss"))
		}
		return got
	case <-time.After(patience):
		b.await("the application gets an answer", "false")
	}
	return answer{}
}

// redeemed waits for a code and exchanges it for tokens.
func (a *application) redeemed(b *tab, asked *authtest.Asked) *authtest.Answer {
	a.t.Helper()
	got := a.answered(b, asked)
	tokens := asked.Redeem(a.t, got.query.Get("code")+got.body.Get("code"))
	if tokens.Status != http.StatusOK || tokens.Access() == "" {
		a.t.Fatalf("the code gives no token: %s", tokens)
	}
	return tokens
}

// begin sends a tab to the server with a request of the application.
func (a *application) begin(b *tab, pairs ...string) *authtest.Asked {
	a.t.Helper()
	b.allowOrigin(a.origin)
	asked := a.Ask(pairs...)
	b.visit(asked.URL())
	return asked
}
