package authtest

import "strings"

// The people of Seed. Each has the password of PasswordOf.
const (
	Alice = "alice" // super admin
	Bob   = "bob"
)

// Persons are further people of Seed, for tests that need one of their own: one who has allowed nothing yet, or who is
// blocked in the end.
func Persons() []string {
	return strings.Fields("carol dora erin frank grace heidi ivan judy kevin laura mike nina oscar peggy quinn rupert sybil trent uma victor wendy")
}

// PasswordOf gives the password of a user of Seed.
func PasswordOf(username string) string { return "the password of " + username + " is long" }

// Where the applications of Seed live and what they call.
const (
	WebRedirect    = "https://web.example.test/callback"
	SecondRedirect = "https://web.example.test/second?kept=1"
	PostRedirect   = "https://post.example.test/callback"
	SPARedirect    = "https://spa.example.test/callback"
	NativeRedirect = "http://127.0.0.1/callback" // on any port
	AppRedirect    = "com.example.native:/callback"
	OtherRedirect  = "https://other.example.test/callback"
	JWTRedirect    = "https://jwt.example.test/callback"
	API            = "https://api.example.test"
	OtherAPI       = "https://other-api.example.test"
)

var seedSecrets = []string{
	webSecret, postSecret, otherSecret, jwtSecret, machineSecret, apiSecret, otherAPISecret,
	PasswordOf(Alice), PasswordOf(Bob),
}

// The secrets of the applications. That of web has the form of secrets that the server makes; the others were chosen.
const (
	webSecret      = "grcs_oYHl7AVNByXaKscmYBqXkyw-3kWZgm24nt_CbT4dJ5P3kpFU"
	postSecret     = "post:secret+with %41&characters=to/encode~é"
	otherSecret    = "the-secret-of-the-other-application"
	jwtSecret      = "the-secret-of-the-application-with-jwt"
	machineSecret  = "the-secret-of-the-machine"
	apiSecret      = "the-secret-of-the-resource-server"
	otherAPISecret = "the-secret-of-another-resource-server"
)

// Seed declares people and an application of every sort.
func Seed() string {
	var b strings.Builder
	b.WriteString(`users:
  - {username: alice, password: "` + PasswordOf(Alice) + `", name: Alice Liddell, email: alice@example.test, super_admin: true}
  - {username: bob, password: "` + PasswordOf(Bob) + `", name: Bob}
`)
	for _, name := range Persons() {
		b.WriteString(`  - {username: ` + name + `, password: "` + PasswordOf(name) + "\"}\n")
	}
	b.WriteString(apps)
	return b.String()
}

const apps = `clients:
  - client_id: web
    client_name: Web application
    client_secret: ` + webSecret + `
    grant_types: [authorization_code, refresh_token, client_credentials]
    redirect_uris: ["` + WebRedirect + `", "` + SecondRedirect + `"]
    scope: "profile api:read api:write"
    default_scope: "profile api:read"
    audience: ["` + API + `", "` + OtherAPI + `"]
  - client_id: post
    client_name: Application that posts its secret
    client_secret: "` + postSecret + `"
    token_endpoint_auth_method: client_secret_post
    grant_types: [authorization_code, refresh_token, client_credentials]
    redirect_uris: ["` + PostRedirect + `"]
    scope: "profile api:read"
    audience: ["` + API + `"]
  - client_id: other
    client_name: Another application
    client_secret: ` + otherSecret + `
    grant_types: [authorization_code, refresh_token, client_credentials]
    redirect_uris: ["` + OtherRedirect + `"]
    scope: "profile other:all"
  - client_id: spa
    client_name: Application in the browser
    token_endpoint_auth_method: none
    grant_types: [authorization_code, refresh_token]
    redirect_uris: ["` + SPARedirect + `"]
    scope: "profile api:read"
    audience: ["` + API + `"]
  - client_id: native
    client_name: Native <b>app</b> & "friends"
    token_endpoint_auth_method: none
    grant_types: [authorization_code, refresh_token]
    redirect_uris: ["` + NativeRedirect + `", "http://[::1]/callback", "` + AppRedirect + `"]
    scope: "profile api:read"
  - client_id: jwt
    client_name: Application with JWT
    client_secret: ` + jwtSecret + `
    grant_types: [authorization_code, refresh_token, client_credentials]
    redirect_uris: ["` + JWTRedirect + `"]
    scope: "profile api:read"
    audience: ["` + API + `"]
    access_token_format: jwt
  - client_id: jwt-ed
    client_secret: ` + jwtSecret + `
    grant_types: [client_credentials]
    scope: "api:read"
    audience: ["` + API + `"]
    access_token_format: jwt
    access_token_signing_alg: EdDSA
  - client_id: machine
    client_secret: ` + machineSecret + `
    grant_types: [client_credentials]
    scope: "api:read"
    audience: ["` + API + `"]
  - client_id: no-refresh
    client_secret: ` + machineSecret + `
    grant_types: [authorization_code]
    redirect_uris: ["` + OtherRedirect + `"]
    scope: "profile"
  - client_id: api
    client_secret: ` + apiSecret + `
    grant_types: [client_credentials]
    audience: ["` + API + `"]
    resource_server: true
  - client_id: other-api
    client_secret: ` + otherAPISecret + `
    grant_types: [client_credentials]
    audience: ["` + OtherAPI + `"]
    resource_server: true
`

// App gives an application of Seed.
func (s *Server) App(id string) *App {
	a := &App{Server: s, ID: id, Method: Basic}
	switch id {
	case "web":
		a.Secret, a.Redirect = webSecret, WebRedirect
	case "post":
		a.Secret, a.Redirect, a.Method = postSecret, PostRedirect, Post
	case "other":
		a.Secret, a.Redirect = otherSecret, OtherRedirect
	case "spa":
		a.Redirect, a.Method = SPARedirect, Public
	case "native":
		a.Redirect, a.Method = NativeRedirect, Public
	case "jwt", "jwt-ed":
		a.Secret, a.Redirect = jwtSecret, JWTRedirect
	case "machine":
		a.Secret = machineSecret
	case "no-refresh":
		a.Secret, a.Redirect = machineSecret, OtherRedirect
	case "api":
		a.Secret = apiSecret
	case "other-api":
		a.Secret = otherAPISecret
	}
	return a
}
