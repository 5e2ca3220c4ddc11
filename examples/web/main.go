// Command web is a web application: people sign in at Grantor, and it calls an API for them. Its tokens stay here; the
// browser holds a cookie without meaning. It renews access tokens with the refresh token, which signing out revokes.
package main

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"html"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

type app struct {
	oauth2.Config
	issuer, api string
	sessions    sync.Map // value of the cookie -> *oauth2.Token; a real application lets them end, and keeps them in its database
}

func main() {
	address, issuer := cmp.Or(os.Getenv("ADDR"), "127.0.0.1:9999"), cmp.Or(os.Getenv("ISSUER"), "http://localhost:8080")
	a := &app{issuer: issuer, api: cmp.Or(os.Getenv("API"), "http://127.0.0.1:9000"), Config: oauth2.Config{
		ClientID:     cmp.Or(os.Getenv("CLIENT_ID"), "demo-web"),
		ClientSecret: cmp.Or(os.Getenv("CLIENT_SECRET"), "grantor-demo-web-secret"),
		Endpoint:     oauth2.Endpoint{AuthURL: issuer + "/oauth2/authorize", TokenURL: issuer + "/oauth2/token", AuthStyle: oauth2.AuthStyleInHeader},
		RedirectURL:  cmp.Or(os.Getenv("URL"), "http://"+address) + "/callback", Scopes: []string{"profile", "api:read"},
	}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.home)
	mux.HandleFunc("GET /callback", a.callback)
	mux.HandleFunc("POST /login", a.login)
	mux.HandleFunc("POST /logout", a.logout)
	// Forms of other sites are refused: nobody is signed in or out by a stranger's page. The time bounds what a.send asks, too.
	handler := http.TimeoutHandler(http.NewCrossOriginProtection().Handler(mux), 10*time.Second, "")
	log.Print("the web application is at http://", address)
	log.Fatal((&http.Server{Addr: address, Handler: handler, ReadHeaderTimeout: 10 * time.Second}).ListenAndServe())
}

// login sends the browser to Grantor. What has to fit to the answer waits in a cookie: only this browser can come back.
func (a *app) login(w http.ResponseWriter, r *http.Request) {
	state, verifier := rand.Text(), oauth2.GenerateVerifier()
	a.setCookie(w, "login", state+"."+verifier, 600)
	http.Redirect(w, r, a.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier)), http.StatusSeeOther)
}

func (a *app) callback(w http.ResponseWriter, r *http.Request) {
	state, verifier, began := strings.Cut(cookie(r, "login"), ".")
	a.setCookie(w, "login", "", -1)
	q := r.URL.Query()
	// The issuer has to fit, too: another server could send the code that it was given for somebody else (RFC 9207).
	if !began || q.Get("state") != state || q.Get("iss") != a.issuer || q.Get("code") == "" {
		http.Error(w, "This is not the answer to a login that began in this browser.", http.StatusBadRequest)
		return
	}
	token, err := a.Exchange(r.Context(), q.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		log.Print(err) // may say more than people should read
		http.Error(w, "Signing in did not work.", http.StatusBadGateway)
		return
	}
	id := rand.Text() // new for each login: nobody has put it into this browser before
	a.sessions.Store(id, token)
	a.setCookie(w, "session", id, 0)
	http.Redirect(w, r, "/", http.StatusSeeOther) // away from the address with the code
}

func (a *app) home(w http.ResponseWriter, r *http.Request) {
	token, ok := a.sessions.Load(cookie(r, "session"))
	if !ok {
		page(w, `<p>Nobody is signed in.<form method="post" action="/login"><button>Sign in</button></form>`)
		return
	}
	answer, err := a.ask(r, token.(*oauth2.Token), "/me")
	if err != nil {
		log.Print(err)
		answer = "nothing. Please sign out and in again."
	}
	page(w, `<p>The API says: `+html.EscapeString(answer)+`<form method="post" action="/logout"><button>Sign out</button></form>`)
}

// ask calls the API, with a token that is renewed half a minute before it ends. Requests that come together may renew
// together: within seconds, Grantor gives the same successor again.
func (a *app) ask(r *http.Request, old *oauth2.Token, path string) (string, error) {
	renewal := a.TokenSource(r.Context(), &oauth2.Token{RefreshToken: old.RefreshToken})
	token, err := oauth2.ReuseTokenSourceWithExpiry(old, renewal, 30*time.Second).Token()
	if err != nil {
		return "", err
	}
	a.sessions.CompareAndSwap(cookie(r, "session"), old, token)
	return send(r, http.MethodGet, a.api+path, nil, token.SetAuthHeader)
}

// logout ends what was allowed at the login: with the refresh token all that came of it ends (RFC 7009 section 2.1).
func (a *app) logout(w http.ResponseWriter, r *http.Request) {
	if token, ok := a.sessions.LoadAndDelete(cookie(r, "session")); ok {
		form := url.Values{"token": {token.(*oauth2.Token).RefreshToken}}
		_, err := send(r, http.MethodPost, a.issuer+"/oauth2/revoke", form, func(request *http.Request) {
			request.SetBasicAuth(url.QueryEscape(a.ClientID), url.QueryEscape(a.ClientSecret))
		})
		if err != nil {
			log.Print("the tokens could not be revoked: ", err)
		}
	}
	a.setCookie(w, "session", "", -1)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func send(r *http.Request, method, url string, form url.Values, prove func(*http.Request)) (string, error) {
	request, err := http.NewRequestWithContext(r.Context(), method, url, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	prove(request)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }() // it was read
	answer, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s", url, response.Status)
	}
	return string(answer), err
}

func (a *app) setCookie(w http.ResponseWriter, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: strings.HasPrefix(a.RedirectURL, "https:")})
}

func cookie(r *http.Request, name string) string {
	return append(r.CookiesNamed(name), &http.Cookie{})[0].Value // "" where there is none
}

func page(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, "<!doctype html><html lang=en><title>Web application</title><h1>Web application</h1>"+body) // the browser may be gone
}
