package browser

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store/bolt"
	"github.com/grantor-dev/grantor/test/authtest"
)

// past is a server without HTTP whose clock is set by hand: what it did a week ago is in its store as if it had been.
type past struct {
	t         testing.TB
	mu        sync.Mutex
	at        time.Time
	ctx       context.Context // of the super admin, once there is one
	directory *account.Directory
	provider  *oauth.Provider
	users     map[string]*account.User
	clients   map[string]*oauth.Client
}

// livePast fills an embedded store with a week in the life of a small company, and gives its URL and its master key.
func livePast(t testing.TB) (storeURL, masterKey string) {
	t.Helper()
	path, master := filepath.Join(t.TempDir(), "grantor.db"), make([]byte, 32)
	_, _ = rand.Read(master) // never fails
	p := &past{t: t, at: time.Now().Add(-40 * 24 * time.Hour), ctx: t.Context(), users: map[string]*account.User{}, clients: map[string]*oauth.Client{}}
	now := func() time.Time { // the store asks from a goroutine of its own
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.at
	}
	b, err := bolt.Open(path, bolt.Options{Now: now})
	p.must(err)
	sealer, err := jose.NewSealer(master)
	p.must(err)
	keys, err := oauth.OpenKeyring(p.ctx, oauth.KeyringConfig{Backend: b, Sealer: sealer, Now: now})
	p.must(err)
	p.must(keys.Load(p.ctx))
	hasher, audit := account.NewHasher(account.HasherConfig{MemoryKiB: 64, Time: 1, Parallelism: 1}), account.NewAudit(b, now)
	p.directory = account.NewDirectory(account.Config{Backend: b, Now: now, Hasher: hasher, Audit: audit, Secret: keys.Secret})
	p.provider = oauth.New(oauth.Config{Issuer: "http://localhost:8080", Backend: b, Directory: p.directory, Hasher: hasher, Audit: audit, Keys: keys, Now: now})

	p.foundCompany()
	p.registerAPIs()
	p.registerClients()
	p.liveAWeek()
	p.must(b.Close())
	return "bolt:" + path, base64.StdEncoding.EncodeToString(master)
}

func (p *past) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("make a past: %v", err)
	}
}

// later moves the clock.
func (p *past) later(d time.Duration) { p.set(p.at.Add(d)) }

func (p *past) set(at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = at
}

const companyAPI = "https://api.example.test"

const photographed = "ada" // the super admin who looks at the pages

func (p *past) foundCompany() {
	add := func(username, name string, groups ...string) {
		p.later(7 * time.Minute)
		u, err := p.directory.CreateUser(p.ctx, account.NewUser{
			Username: username, Name: name, Email: username + "@example.test", Password: authtest.PasswordOf(username),
			SuperAdmin: username == photographed, Groups: groups,
		})
		p.must(err)
		p.users[username] = u
	}
	add(photographed, "Ada Lovelace")
	p.ctx = account.WithRights(account.WithActor(p.ctx, account.Actor{
		Kind: account.ActorUser, ID: p.users[photographed].ID, Name: photographed, Address: "203.0.113.20",
	}), account.Rights{SuperAdmin: true})

	group := func(name, description string, within []string, permissions ...account.Permission) string {
		p.later(3 * time.Minute)
		g, err := p.directory.CreateGroup(p.ctx, account.NewGroup{Name: name, Description: description, Permissions: permissions, MemberOf: within})
		p.must(err)
		return g.ID
	}
	readers := group("Readers", "See everything that is not secret, change nothing.", nil,
		account.ViewClients, account.ViewUsers, account.ViewGroups, account.ViewTokens, account.ViewAudit)
	developers := group("Developers", "Register and look after applications.", []string{readers}, account.CreateClients, account.EditClients)
	support := group("Support", "Help people who cannot sign in.", []string{readers}, account.EditUsers, account.DeleteTokens)
	operations := group("Operations", "Run this server.", []string{developers}, account.DeleteClients, account.ViewKeys, account.EditKeys)
	for _, who := range []struct {
		username, name string
		groups         []string
	}{
		{"grace", "Grace Hopper", []string{operations}}, {"alan", "Alan Turing", []string{developers}}, {"edsger", "Edsger Dijkstra", []string{developers}},
		{"barbara", "Barbara Liskov", []string{developers, support}}, {"margaret", "Margaret Hamilton", []string{operations}},
		{"katherine", "Katherine Johnson", []string{support}}, {"dennis", "Dennis Ritchie", nil}, {"ken", "Ken Thompson", nil},
		{"radia", "Radia Perlman", []string{operations}}, {"donald", "Donald Knuth", []string{readers}}, {"frances", "Frances Allen", nil},
		{"tony", "Tony Hoare", nil}, {"shafi", "Shafi Goldwasser", []string{readers}}, {"leslie", "Leslie Lamport", nil},
		{"hedy", "Hedy Lamarr", nil}, {"jean", "Jean Bartik", []string{support}}, {"niklaus", "Niklaus Wirth", nil},
	} {
		add(who.username, who.name, who.groups...)
	}
	p.must(p.directory.SetBlocked(p.ctx, p.users["niklaus"].ID, account.Block))
}

func (p *past) registerAPIs() {
	for _, r := range []oauth.APIRegistration{
		{Identifier: companyAPI, Name: "Time and pay", AccessTokenFormat: oauth.JWT, Scopes: []oauth.APIScope{
			{Name: "time:read", Description: "See when you worked, and on what."}, {Name: "time:write", Description: "Note your hours."}, {Name: "payroll:write"},
		}},
		{Identifier: "https://stock.example.test/v2", Scopes: []oauth.APIScope{{Name: "stock:count", Description: "Count what lies in the stores."}}},
	} {
		p.later(40 * time.Minute)
		_, err := p.provider.RegisterAPI(p.ctx, r)
		p.must(err)
	}
}

func (p *past) registerClients() {
	web := []oauth.GrantType{oauth.AuthorizationCode, oauth.RefreshToken}
	machine := []oauth.GrantType{oauth.ClientCredentials}
	for _, c := range []struct {
		id, name  string
		grants    []oauth.GrantType
		redirects []string
		scope     string
	}{
		{"timesheet", "Time sheets", web, []string{"https://time.example.test/oauth/callback"}, "profile time:read time:write"},
		{"wiki", "Wiki", web, []string{"https://wiki.example.test/callback", "https://wiki-test.example.test/callback"}, "profile pages:read pages:write"},
		{"payroll", "Payroll export", machine, nil, "time:read payroll:write"},
		{"phone", "Phone app", web, []string{"com.example.phone:/callback"}, "profile time:read"},
		{"warehouse", "Warehouse robots", machine, nil, "stock:read stock:write"},
		{"builds", "Build server", machine, nil, "artifacts:read artifacts:write"},
		{"crm", "Customer desk", web, []string{"https://desk.example.test/signin", "https://desk.example.test/silent", "http://127.0.0.1/callback"}, "profile customers:read customers:write"},
		{"kiosk", "Kiosk in the lobby", web, []string{"https://kiosk.example.test/callback"}, "profile"},
		{"reports", "Monthly reports", machine, nil, "time:read stock:read customers:read"},
		{"laptop", "Desktop client", web, []string{"http://127.0.0.1/callback", "http://[::1]/callback"}, "profile pages:read time:read"},
		{"backup", "Nightly backup", machine, nil, "pages:read stock:read"},
		{"calendar", "Calendar", web, []string{"https://calendar.example.test/callback"}, "profile events:read events:write"},
		{"metering", "Metering gateway", append(machine, web...), []string{"https://meter.example.test/callback"}, "meters:read"},
	} {
		p.later(26 * time.Hour)
		r := oauth.Registration{
			ClientID: c.id, ClientName: c.name, GrantTypes: c.grants, RedirectURIs: c.redirects, Scope: c.scope,
			TokenEndpointAuthMethod: oauth.ClientSecretBasic, AccessTokenFormat: oauth.JWT, Audience: []string{companyAPI},
			PersonalAccessTokens: c.id == "timesheet" || c.id == "wiki",
		}
		if c.id == "phone" || c.id == "laptop" || c.id == "kiosk" {
			r.TokenEndpointAuthMethod = oauth.NoSecret
		}
		registered, _, err := p.provider.RegisterClient(p.ctx, r, "")
		p.must(err)
		p.clients[c.id] = registered
	}
	_, _, err := p.provider.AddSecret(p.ctx, "timesheet", oauth.NewClientSecret{Name: "since the move", Expires: p.at.Add(90 * 24 * time.Hour)})
	p.must(err)
	p.must(p.provider.SetClientState(p.ctx, "kiosk", oauth.Disabled))
}

// liveAWeek issues and refuses tokens, hour after hour, more by day than by night, and ends now.
func (p *past) liveAWeek() {
	machines, webs := []string{"payroll", "warehouse", "builds", "reports", "backup", "metering"}, []string{"timesheet", "wiki", "phone", "crm", "laptop", "calendar"}
	people := []string{"grace", "alan", "barbara", "katherine", "dennis", "radia", "donald", "hedy", photographed}
	var held []held
	end := time.Now()
	p.set(end.Add(-7*24*time.Hour + time.Minute))
	for hour := 0; p.at.Before(end); hour++ {
		busy := 1
		if clock := p.at.UTC().Hour(); clock >= 7 && clock < 19 && p.at.Weekday() != time.Sunday {
			busy = 4 + 3*(6-max(clock-13, 13-clock))/3
		}
		for i := range busy*3 + hour*hour%5 {
			_, err := p.provider.Token(p.ctx, p.clients[machines[(hour*5+i*i)%len(machines)]], &oauth.TokenRequest{GrantType: "client_credentials"})
			p.must(err)
		}
		if busy > 1 {
			held = append(held, p.signIn(webs[hour%len(webs)], people[(hour*2+hour/5)%len(people)]))
		}
		for i := range min(busy, len(held)) {
			p.refresh(&held[len(held)-1-i])
		}
		for i := range busy / 2 {
			p.refuse(hour + i)
		}
		p.must(p.provider.FlushUsage(p.ctx))
		p.later(min(time.Hour, max(end.Sub(p.at), time.Second)))
	}
	p.set(end)
	for i, username := range []string{photographed, photographed, "grace"} {
		_, s, err := p.directory.StartSession(p.ctx, p.users[username], account.NewSession{Address: fmt.Sprintf("198.51.100.%d", 7+i), UserAgent: browsers[i]})
		p.must(err)
		_, _, err = p.provider.CreatePersonalToken(p.ctx, s, oauth.NewPersonalToken{
			ClientID: "timesheet", Name: []string{"Script on my laptop", "Weekly summary", "Import"}[i], Scope: "time:read", Lifetime: time.Duration(30*(i+1)) * 24 * time.Hour,
		})
		p.must(err)
	}
	p.must(p.provider.FlushUsage(p.ctx))
}

var browsers = []string{
	"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
}

// held is what an application holds of a person.
type held struct {
	client *oauth.Client
	token  string
}

// signIn has a person allow an application what it asks for, and the application redeem its code.
func (p *past) signIn(clientID, username string) held {
	p.t.Helper()
	c, u, verifier := p.clients[clientID], p.users[username], authtest.Random()
	_, s, err := p.directory.StartSession(p.ctx, u, account.NewSession{Address: "198.51.100.30", UserAgent: browsers[len(username)%len(browsers)]})
	p.must(err)
	visitor := oauth.Visitor{Browser: "a browser", Session: s, User: u}
	decision, err := p.provider.Authorize(p.ctx, oauth.Parameters{
		"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {c.RedirectURIs[0]}, "state": {"s"},
		"code_challenge": {authtest.Challenge(verifier)}, "code_challenge_method": {"S256"},
	}, visitor)
	p.must(err)
	if decision.Step == oauth.AskUser {
		p.must(p.provider.Allow(p.ctx, decision.Interaction, visitor))
		decision, err = p.provider.Continue(p.ctx, decision.Interaction.Handle, visitor)
		p.must(err)
	}
	if decision.Step != oauth.Respond || decision.Response.Refusal != nil {
		p.t.Fatalf("make a past: %s is not let through to %s: %+v", username, clientID, decision.Response)
	}
	answer, err := p.provider.Token(p.ctx, c, &oauth.TokenRequest{
		GrantType: "authorization_code", Code: decision.Response.Fields[0].Value, RedirectURI: c.RedirectURIs[0], CodeVerifier: verifier,
	})
	p.must(err)
	return held{c, answer.RefreshToken}
}

func (p *past) refresh(h *held) {
	p.t.Helper()
	answer, err := p.provider.Token(p.ctx, h.client, &oauth.TokenRequest{GrantType: "refresh_token", RefreshToken: h.token})
	p.must(err)
	h.token = answer.RefreshToken
}

// refuse has something go wrong, as it does.
func (p *past) refuse(n int) {
	c := p.clients["wiki"]
	var err error
	switch n % 4 {
	case 0, 1:
		_, err = p.provider.Token(p.ctx, c, &oauth.TokenRequest{GrantType: "refresh_token", RefreshToken: "long over"})
	case 2:
		_, err = p.provider.Authenticate(p.ctx, oauth.Credentials{Method: oauth.ClientSecretBasic, ClientID: c.ClientID, Secret: "mistyped"})
	case 3:
		_, err = p.provider.Token(p.ctx, p.clients["payroll"], &oauth.TokenRequest{GrantType: "client_credentials", Scope: "everything"})
	}
	if err == nil {
		p.t.Fatal("make a past: what should fail did not")
	}
}
