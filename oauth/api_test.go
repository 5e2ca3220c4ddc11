package oauth_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

const (
	orders = "https://orders.example.com"
	stock  = "https://stock.example.com"
)

func ordersAPI() oauth.APIRegistration {
	return oauth.APIRegistration{Identifier: orders, Name: "Orders", Scopes: []oauth.APIScope{
		{Name: "orders:read", Description: "See your orders."}, {Name: "orders:write"},
	}}
}

func stockAPI() oauth.APIRegistration {
	return oauth.APIRegistration{Identifier: stock, Name: "Stock", Scopes: []oauth.APIScope{{Name: "stock:read"}}}
}

func (n *node) api(r oauth.APIRegistration) *oauth.API {
	n.w.t.Helper()
	a, err := n.RegisterAPI(n.w.t.Context(), r)
	ok(n.w.t, err)
	return a
}

// shopApp has both APIs, and one more resource that nobody registered.
func shopApp() oauth.Registration {
	r := webApp()
	r.Scope, r.DefaultScope = "profile orders:read orders:write stock:read", ""
	r.Audience = []string{orders, stock}
	return r
}

func newShop(t *testing.T) (*node, *oauth.Client) {
	t.Helper()
	_, n := newNode(t)
	n.api(ordersAPI())
	n.api(stockAPI())
	return n, n.register(shopApp())
}

func TestWhatATokenIsForAndWhatItCarries(t *testing.T) {
	unknown := "https://unknown.example.com"
	for _, c := range []struct {
		name, scope string
		resources   []string
		byDefault   string
		more        string // an audience that nobody registered
		wantScope   string
		wantFor     []string
		refused     oauth.Code
	}{
		{name: "nothing named", wantScope: "orders:read orders:write stock:read", wantFor: []string{orders, stock}},
		{name: "the default", byDefault: stock, wantScope: "stock:read", wantFor: []string{stock}},
		{name: "one resource", resources: []string{orders}, wantScope: "orders:read orders:write", wantFor: []string{orders}},
		{name: "a resource before the default", resources: []string{orders}, byDefault: stock, wantScope: "orders:read orders:write", wantFor: []string{orders}},
		{name: "both resources", resources: []string{stock, orders}, byDefault: stock, wantScope: "orders:read orders:write stock:read", wantFor: []string{stock, orders}},
		{name: "a scope says which", scope: "orders:read", wantScope: "orders:read", wantFor: []string{orders}},
		{name: "a scope before the default", scope: "orders:read", byDefault: stock, wantScope: "orders:read", wantFor: []string{orders}},
		{name: "scopes of both", scope: "stock:read orders:read", wantScope: "stock:read orders:read", wantFor: []string{orders, stock}},
		{name: "a scope of no API beside", scope: "profile orders:read", wantScope: "orders:read", wantFor: []string{orders}},
		{name: "a scope of no API alone", scope: "profile", refused: oauth.InvalidScope},
		{name: "a scope of another API", scope: "stock:read", resources: []string{orders}, refused: oauth.InvalidScope},
		{name: "one of two is of another API", scope: "stock:read orders:read", resources: []string{orders}, refused: oauth.InvalidScope},
		{name: "an empty resource is none", resources: []string{""}, byDefault: stock, wantScope: "stock:read", wantFor: []string{stock}},
		{name: "a resource that was not given", resources: []string{unknown}, refused: oauth.InvalidTarget},
		{name: "one of two was not given", resources: []string{orders, unknown}, refused: oauth.InvalidTarget},
		{name: "a scope that was not given", scope: "orders:read admin", refused: oauth.InvalidScope},
		{name: "a resource without a record", resources: []string{unknown}, more: unknown, wantScope: "profile", wantFor: []string{unknown}},
		{name: "its scope with it", scope: "profile", resources: []string{unknown}, more: unknown, wantScope: "profile", wantFor: []string{unknown}},
		{name: "scopes of one with a record and of one without", scope: "profile stock:read", more: unknown, wantScope: "profile stock:read", wantFor: []string{unknown, stock}},
		{name: "with a record and without", resources: []string{unknown, stock}, more: unknown, wantScope: "profile stock:read", wantFor: []string{unknown, stock}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, n := newNode(t)
			n.api(ordersAPI())
			n.api(stockAPI())
			r := shopApp()
			r.DefaultAudience = c.byDefault
			if c.more != "" {
				r.Audience = append(r.Audience, c.more)
			}
			client := n.register(r)

			machine, err := n.Token(t.Context(), client, &oauth.TokenRequest{GrantType: "client_credentials", Scope: c.scope, Resources: c.resources})
			wantCode(t, err, c.refused)
			changes := []string{"scope=" + c.scope, "resource=" + strings.Join(c.resources, "\nresource=")}
			params := ask(client, changes[0])
			params["resource"] = c.resources
			v := n.signIn(n.user("alice"))
			d, err := n.Authorize(t.Context(), params, v)
			ok(t, err)
			if c.refused != "" {
				if d.Response == nil || d.Response.Refusal == nil || d.Response.Refusal.Code != c.refused {
					t.Errorf("the authorization endpoint decides %+v", d)
				}
				return
			}
			if d.Step == oauth.AskUser {
				d = n.allow(d.Interaction, v)
			}
			user, err := n.redeem(client, field(d.Response, "code"))
			ok(t, err)
			for grant, tokens := range map[string]*oauth.Tokens{"client credentials": machine, "code": user} {
				seen := n.look(client, tokens.AccessToken)
				if tokens.Scope.String() != c.wantScope || seen.Scope.String() != c.wantScope {
					t.Errorf("%s: scope %q, answered %q", grant, seen.Scope, tokens.Scope)
				}
				slices.Sort(seen.Audience)
				if want := slices.Sorted(slices.Values(c.wantFor)); !slices.Equal(seen.Audience, want) {
					t.Errorf("%s: for %q", grant, seen.Audience)
				}
			}
		})
	}
}

func TestOneAuthorizationGivesATokenForEachAPI(t *testing.T) {
	n, c := newShop(t)
	v := n.signIn(n.user("alice"))
	tokens := n.tokens(c, v)
	for resource, scope := range map[string]string{orders: "orders:read orders:write", stock: "stock:read"} {
		next, err := n.Token(t.Context(), c, &oauth.TokenRequest{GrantType: "refresh_token", RefreshToken: tokens.RefreshToken, Resources: []string{resource}})
		ok(t, err)
		seen := n.look(c, next.AccessToken)
		if seen.Scope.String() != scope || !slices.Equal(seen.Audience, []string{resource}) {
			t.Errorf("%s: scope %q for %q", resource, seen.Scope, seen.Audience)
		}
		tokens = next
	}
	_, err := n.Token(t.Context(), c, &oauth.TokenRequest{
		GrantType: "refresh_token", RefreshToken: tokens.RefreshToken, Resources: []string{stock}, Scope: "orders:read",
	})
	wantCode(t, err, oauth.InvalidScope)
	all, err := n.refresh(c, tokens.RefreshToken)
	ok(t, err)
	if got := n.look(c, all.AccessToken); len(got.Audience) != 2 || len(got.Scope) != 3 {
		t.Errorf("the whole authorization gives %q for %q", got.Scope, got.Audience)
	}
}

func TestTheAPISaysWhatItsTokensLookLike(t *testing.T) {
	minute := func(n int) oauth.Duration { return oauth.Duration(time.Duration(n) * time.Minute) }
	for _, c := range []struct {
		name      string
		client    func(*oauth.Registration)
		orders    func(*oauth.APIRegistration)
		stock     func(*oauth.APIRegistration)
		resources []string
		jwt       bool
		lifetime  time.Duration
		refused   oauth.Code
	}{
		{name: "nobody says", resources: []string{orders}, lifetime: 10 * time.Minute},
		{name: "the client says", client: func(r *oauth.Registration) { r.AccessTokenFormat, r.AccessTokenLifetime = oauth.JWT, minute(7) }, resources: []string{orders}, jwt: true, lifetime: 7 * time.Minute},
		{name: "the API says JWT", orders: func(a *oauth.APIRegistration) { a.AccessTokenFormat, a.AccessTokenLifetime = oauth.JWT, minute(20) }, resources: []string{orders}, jwt: true, lifetime: 20 * time.Minute},
		{name: "the API says opaque", client: func(r *oauth.Registration) { r.AccessTokenFormat = oauth.JWT }, orders: func(a *oauth.APIRegistration) { a.AccessTokenFormat = oauth.Opaque }, resources: []string{orders}, lifetime: 10 * time.Minute},
		{name: "only its own", orders: func(a *oauth.APIRegistration) { a.AccessTokenFormat, a.AccessTokenLifetime = oauth.JWT, minute(3) }, resources: []string{stock}, lifetime: 10 * time.Minute},
		{name: "the shortest counts", client: func(r *oauth.Registration) { r.AccessTokenLifetime = minute(30) }, orders: func(a *oauth.APIRegistration) { a.AccessTokenLifetime = minute(20) }, stock: func(a *oauth.APIRegistration) { a.AccessTokenLifetime = minute(4) }, resources: []string{orders, stock}, lifetime: 4 * time.Minute},
		{name: "one JWT, one silent", orders: func(a *oauth.APIRegistration) { a.AccessTokenFormat = oauth.JWT }, resources: []string{orders, stock}, jwt: true, lifetime: 10 * time.Minute},
		{name: "they differ", orders: func(a *oauth.APIRegistration) { a.AccessTokenFormat = oauth.JWT }, stock: func(a *oauth.APIRegistration) { a.AccessTokenFormat = oauth.Opaque }, resources: []string{orders, stock}, refused: oauth.InvalidTarget},
		{name: "their algorithms differ", client: func(r *oauth.Registration) { r.AccessTokenFormat = oauth.JWT }, orders: func(a *oauth.APIRegistration) { a.AccessTokenSigningAlg = "EdDSA" }, stock: func(a *oauth.APIRegistration) { a.AccessTokenSigningAlg = "ES256" }, resources: []string{orders, stock}, refused: oauth.InvalidTarget},
		{name: "their algorithms differ, and nothing is signed", orders: func(a *oauth.APIRegistration) { a.AccessTokenSigningAlg = "EdDSA" }, stock: func(a *oauth.APIRegistration) { a.AccessTokenSigningAlg = "ES256" }, resources: []string{orders, stock}, lifetime: 10 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, n := newNode(t)
			first, second, r := ordersAPI(), stockAPI(), shopApp()
			for _, change := range []struct {
				by func(*oauth.APIRegistration)
				of *oauth.APIRegistration
			}{{c.orders, &first}, {c.stock, &second}} {
				if change.by != nil {
					change.by(change.of)
				}
				n.api(*change.of)
			}
			if c.client != nil {
				c.client(&r)
			}
			client := n.register(r)
			v := n.signIn(n.user("alice"))
			machine, err := n.Token(t.Context(), client, &oauth.TokenRequest{GrantType: "client_credentials", Resources: c.resources})
			wantCode(t, err, c.refused)
			params := ask(client)
			params["resource"] = c.resources
			d, err := n.Authorize(t.Context(), params, v)
			ok(t, err)
			user, err := n.redeem(client, field(n.allow(d.Interaction, v).Response, "code"))
			wantCode(t, err, c.refused)
			if c.refused != "" {
				return
			}
			for grant, tokens := range map[string]*oauth.Tokens{"client credentials": machine, "code": user} {
				if got := strings.Count(tokens.AccessToken, ".") == 2; got != c.jwt {
					t.Errorf("%s: JWT %v", grant, got)
				}
				if got := tokens.Expires.Sub(tokens.Issued); got != c.lifetime {
					t.Errorf("%s: lives %v", grant, got)
				}
			}
		})
	}
}

func TestFormsThatDifferAreNamedOneByOne(t *testing.T) {
	_, n := newNode(t)
	first, second := ordersAPI(), stockAPI()
	first.AccessTokenFormat, first.AccessTokenSigningAlg, second.AccessTokenFormat = oauth.JWT, "EdDSA", oauth.Opaque
	n.api(first)
	n.api(second)
	c := n.register(shopApp())
	v := n.signIn(n.user("alice"))
	code := n.authorize(c, v)
	_, err := n.redeem(c, code)
	wantCode(t, err, oauth.InvalidTarget)
	tokens, err := n.Token(t.Context(), c, &oauth.TokenRequest{
		GrantType: "authorization_code", Code: code, CodeVerifier: verifier, RedirectURI: callback, Resources: []string{stock},
	})
	ok(t, err) // the refusal did not use the code up
	if strings.Count(tokens.AccessToken, ".") != 0 {
		t.Errorf("got %q", tokens.AccessToken)
	}
}

func TestAnAPIThatIsTakenAwayIsGone(t *testing.T) {
	n, c := newShop(t)
	tokens := n.tokens(c, n.signIn(n.user("alice")))
	r := shopApp()
	r.Audience, r.Scope = []string{orders}, "profile orders:read orders:write"
	c = n.update(r)
	next, err := n.refresh(c, tokens.RefreshToken)
	ok(t, err)
	if got := n.look(c, next.AccessToken); !slices.Equal(got.Audience, []string{orders}) || got.Scope.String() != "orders:read orders:write" {
		t.Errorf("it still gets %q for %q", got.Scope, got.Audience)
	}
	first := ordersAPI()
	first.Scopes = first.Scopes[1:]
	_, err = n.UpdateAPI(t.Context(), first, 0)
	ok(t, err)
	next, err = n.refresh(c, next.RefreshToken)
	ok(t, err)
	if got := n.look(c, next.AccessToken).Scope.String(); got != "orders:write" {
		t.Errorf("a scope that its API gave up is still issued: %q", got)
	}
}

func TestFaultsOfAnAPI(t *testing.T) {
	for _, c := range []struct {
		field  string
		change func(*oauth.APIRegistration)
	}{
		{"identifier", func(r *oauth.APIRegistration) { r.Identifier = "" }},
		{"identifier", func(r *oauth.APIRegistration) { r.Identifier = "orders" }},
		{"identifier", func(r *oauth.APIRegistration) { r.Identifier = orders + "#a" }},
		{"identifier", func(r *oauth.APIRegistration) { r.Identifier = issuer }},
		{"identifier", func(r *oauth.APIRegistration) { r.Identifier = orders + "/" + strings.Repeat("x", 512) }},
		{"name", func(r *oauth.APIRegistration) { r.Name = "Or\u202eders" }},
		{"name", func(r *oauth.APIRegistration) { r.Name = strings.Repeat("x", 256) }},
		{"scopes[0].name", func(r *oauth.APIRegistration) { r.Scopes[0].Name = "" }},
		{"scopes[1].name", func(r *oauth.APIRegistration) { r.Scopes[1].Name = "a b" }},
		{"scopes[1].name", func(r *oauth.APIRegistration) { r.Scopes[1].Name = `a"` }},
		{"scopes[1].name", func(r *oauth.APIRegistration) { r.Scopes[1].Name = r.Scopes[0].Name }},
		{"scopes[0].name", func(r *oauth.APIRegistration) { r.Scopes[0].Name = "admin" }},
		{"scopes[0].name", func(r *oauth.APIRegistration) { r.Scopes[0].Name = "clients:view" }},
		{"scopes[1].name", func(r *oauth.APIRegistration) { r.Scopes[1].Name = "stock:read" }},
		{"scopes[0].description", func(r *oauth.APIRegistration) { r.Scopes[0].Description = "a\nb" }},
		{"scopes[0].description", func(r *oauth.APIRegistration) { r.Scopes[0].Description = strings.Repeat("x", 301) }},
		{"scopes", func(r *oauth.APIRegistration) {
			for i := range 100 {
				r.Scopes = append(r.Scopes, oauth.APIScope{Name: fmt.Sprint("s", i)})
			}
		}},
		{"access_token_format", func(r *oauth.APIRegistration) { r.AccessTokenFormat = "saml" }},
		{"access_token_signing_alg", func(r *oauth.APIRegistration) { r.AccessTokenSigningAlg = "none" }},
		{"access_token_lifetime", func(r *oauth.APIRegistration) { r.AccessTokenLifetime = oauth.Duration(29 * time.Second) }},
		{"access_token_lifetime", func(r *oauth.APIRegistration) { r.AccessTokenLifetime = oauth.Duration(24*time.Hour + 1) }},
		{"client_id", func(r *oauth.APIRegistration) { r.ClientID = "nobody" }},
		{"client_id", func(r *oauth.APIRegistration) { r.ClientID = "native" }},
		{"client_id", func(r *oauth.APIRegistration) { r.ClientID = "\x00" }},
	} {
		_, n := newNode(t)
		n.register(nativeApp())
		n.api(stockAPI())
		r := ordersAPI()
		c.change(&r)
		_, err := n.RegisterAPI(t.Context(), r)
		wantField(t, err, c.field)
		if all, err := n.APIs(t.Context()); err != nil || len(all) != 1 {
			t.Errorf("%s: %d APIs, %v", c.field, len(all), err)
		}
		if r.Identifier != orders {
			continue
		}
		n.api(ordersAPI())
		_, err = n.UpdateAPI(t.Context(), r, 0)
		wantField(t, err, c.field)
	}
}

func TestAnIdentifierIsTakenOnce(t *testing.T) {
	w, n := newNode(t)
	other := w.node()
	a := n.api(ordersAPI())
	if a.ID != oauth.APIID(orders) || len(a.ID) != 36 {
		t.Errorf("id %q", a.ID)
	}
	_, err := other.RegisterAPI(t.Context(), oauth.APIRegistration{Identifier: orders})
	wantErr(t, err, oauth.ErrAPITaken)
	_, errs := parallel(8, func(i int) (*oauth.API, error) {
		return []*node{n, other}[i%2].RegisterAPI(t.Context(), stockAPI())
	})
	if successes(errs) != 1 {
		t.Errorf("errors %v", errs)
	}
}

// TestAScopeHasOneOwnerEvenWhenTwoAPIsAreRegisteredAtOnce: whichever of two was first, every node says the same.
func TestAScopeHasOneOwnerEvenWhenTwoAPIsAreRegisteredAtOnce(t *testing.T) {
	w, n := newNode(t)
	other := w.node()
	_, errs := parallel(2, func(i int) (*oauth.API, error) {
		r := oauth.APIRegistration{Identifier: []string{orders, stock}[i], Scopes: []oauth.APIScope{{Name: "read"}}}
		return []*node{n, other}[i].RegisterAPI(t.Context(), r)
	})
	r := shopApp()
	r.Scope = "read"
	c := n.register(r)
	var first []string
	for _, at := range []*node{n, other} {
		tokens, err := at.Token(t.Context(), c, &oauth.TokenRequest{GrantType: "client_credentials", Scope: "read"})
		ok(t, err)
		seen := at.look(c, tokens.AccessToken)
		if first == nil {
			first = seen.Audience
		}
		if len(seen.Audience) != 1 || !slices.Equal(seen.Audience, first) {
			t.Errorf("%v: read is for %q", errs, seen.Audience)
		}
	}
}

func TestSavingAnAPIComparesVersions(t *testing.T) {
	_, n := newNode(t)
	a := n.api(ordersAPI())
	_, version, err := n.LoadAPI(t.Context(), a.ID)
	ok(t, err)
	r := ordersAPI()
	r.Name = "Orders and more"
	_, err = n.UpdateAPI(t.Context(), r, version)
	ok(t, err)
	r.Name = "Orders and less"
	_, err = n.UpdateAPI(t.Context(), r, version)
	wantErr(t, err, store.ErrConflict)
	_, err = n.UpdateAPI(t.Context(), stockAPI(), 0)
	wantErr(t, err, store.ErrNotFound)
	if got := n.events("api:" + a.ID); len(got) != 2 || !strings.HasPrefix(got[0], "api.updated") || !strings.HasPrefix(got[1], "api.created") {
		t.Errorf("audit log: %q", got)
	}
}

func TestAnAPIIsDeletedOnceNobodyHasIt(t *testing.T) {
	n, c := newShop(t)
	id := oauth.APIID(orders)
	serving := oauth.Registration{ClientID: "orders-api", GrantTypes: []oauth.GrantType{}, ResourceServer: true, Audience: []string{orders}}
	n.register(serving)
	var inUse *oauth.APIInUseError
	if err := n.DeleteAPI(t.Context(), id); !errors.As(err, &inUse) || !slices.Equal(inUse.Clients, []string{c.ClientID}) {
		t.Fatalf("got %v", err)
	}
	if having, err := n.ClientsOfAPI(t.Context(), id); err != nil || len(having) != 1 || having[0].ClientID != c.ClientID {
		t.Errorf("clients that have it: %v, %v", having, err)
	}
	r := shopApp()
	r.Audience, r.Scope = []string{stock}, "stock:read"
	n.update(r)
	ok(t, n.DeleteAPI(t.Context(), id))
	wantErr(t, n.DeleteAPI(t.Context(), id), store.ErrNotFound)
	for _, id := range []string{"", "api_", "api_ABC", orders, strings.ToUpper(id), id + "0"} {
		wantErr(t, n.DeleteAPI(t.Context(), id), store.ErrNotFound)
		_, err := n.API(t.Context(), id)
		wantErr(t, err, store.ErrNotFound)
	}
}

func TestAClientHasTheAPIsOfItsScopes(t *testing.T) {
	_, n := newNode(t)
	n.api(ordersAPI())
	r := shopApp()
	r.Audience, r.Scope = []string{stock}, "orders:read"
	_, _, err := n.RegisterClient(t.Context(), r, "")
	wantField(t, err, "scope")
	r.Audience = []string{orders, stock}
	n.register(r)
	r.Audience = []string{stock}
	_, err = n.UpdateClient(t.Context(), r, 0)
	wantField(t, err, "scope")
	r.Audience, r.DefaultAudience = []string{orders}, stock
	_, err = n.UpdateClient(t.Context(), r, 0)
	wantField(t, err, "default_audience")
}

func TestAnAPISeesItsTokensAsItsClient(t *testing.T) {
	n, shop := newShop(t)
	// It is a client of the other API, too, and was once registered as a resource server of both.
	r := oauth.Registration{ClientID: "orders-api", GrantTypes: []oauth.GrantType{oauth.ClientCredentials}, ResourceServer: true, Audience: []string{orders, stock}}
	server := n.register(r)
	first, second := ordersAPI(), stockAPI()
	first.ClientID = server.ClientID
	_, err := n.UpdateAPI(t.Context(), first, 0)
	ok(t, err)
	other := n.register(oauth.Registration{ClientID: "stock-api", GrantTypes: []oauth.GrantType{oauth.ClientCredentials}})
	second.ClientID = other.ClientID
	_, err = n.UpdateAPI(t.Context(), second, 0)
	ok(t, err)
	token := func(resource string) string {
		tokens, err := n.Token(t.Context(), shop, &oauth.TokenRequest{GrantType: "client_credentials", Resources: []string{resource}})
		ok(t, err)
		return tokens.AccessToken
	}
	n.wantActive(server, true, token(orders))
	n.wantActive(server, false, token(stock))
	n.wantActive(other, true, token(stock))
	n.wantActive(other, false, token(orders))
	served, err := n.ServedBy(t.Context(), server)
	ok(t, err)
	if !slices.Equal(served, []string{orders}) {
		t.Errorf("serves %q", served)
	}
	refresh := n.tokens(shop, n.signIn(n.user("alice"))).RefreshToken
	n.wantActive(server, false, refresh)
}

// Whoever registers a client under an id that an API names would see the tokens of that API.
func TestTheClientOfAnAPIIsNotTakenOver(t *testing.T) {
	_, n := newNode(t)
	serving := oauth.Registration{ClientID: "orders-api", GrantTypes: []oauth.GrantType{}, ResourceServer: true, Audience: []string{orders}}
	n.register(serving)
	r := ordersAPI()
	r.ClientID = "orders-api"
	n.api(r)
	ok(t, n.DeleteClient(t.Context(), "orders-api"))
	clerk := account.WithRights(account.WithActor(t.Context(), account.Actor{Kind: account.ActorUser, ID: "usr_1"}), account.Rights{Permissions: account.Permissions{account.CreateClients}})
	_, _, err := n.RegisterClient(clerk, serving, "")
	var forbidden *account.ForbiddenError
	if !errors.As(err, &forbidden) {
		t.Errorf("got %v", err)
	}
	n.register(serving)
}

func TestTheListOfAPIsIsSearchedSortedAndPaged(t *testing.T) {
	w, n := newNode(t)
	for i, name := range []string{"Zebra", "apple", "Mango", "", "Kiwi"} {
		r := oauth.APIRegistration{Identifier: fmt.Sprintf("https://a%d.example.com", i), Name: name}
		for j := range i {
			r.Scopes = append(r.Scopes, oauth.APIScope{Name: fmt.Sprintf("s%d:%d", i, j)})
		}
		n.api(r)
		w.move(time.Second)
	}
	titles := func(q oauth.APIQuery) (all []string) {
		for {
			page, err := n.FindAPIs(t.Context(), q)
			ok(t, err)
			for _, a := range page.APIs {
				all = append(all, a.Title())
			}
			if page.Next == "" {
				return all
			}
			q.Cursor = page.Next
		}
	}
	for sort, want := range map[string][]string{
		"":            {"apple", "https://a3.example.com", "Kiwi", "Mango", "Zebra"},
		"-name":       {"Zebra", "Mango", "Kiwi", "https://a3.example.com", "apple"},
		"created":     {"Zebra", "apple", "Mango", "https://a3.example.com", "Kiwi"},
		"-scopes":     {"Kiwi", "https://a3.example.com", "Mango", "apple", "Zebra"},
		"-identifier": {"Kiwi", "https://a3.example.com", "Mango", "apple", "Zebra"},
	} {
		for _, limit := range []int{0, 1, 2, 5} {
			if got := titles(oauth.APIQuery{Sort: sort, Limit: limit}); !slices.Equal(got, want) {
				t.Errorf("by %q, %d a page: %q", sort, limit, got)
			}
		}
	}
	for search, want := range map[string]int{"ZEB": 1, "a": 5, "s4:": 1, "A3.EXAMPLE": 1, "nothing": 0} {
		if got := titles(oauth.APIQuery{Search: search}); len(got) != want {
			t.Errorf("%q finds %q", search, got)
		}
	}
	for field, q := range map[string]oauth.APIQuery{"sort": {Sort: "owner"}, "cursor": {Cursor: "x"}, "offset": {Offset: -1}, "limit": {Limit: -1}} {
		_, err := n.FindAPIs(t.Context(), q)
		wantField(t, err, field)
	}
}

func TestADeclaredAPIIsBroughtAbout(t *testing.T) {
	_, n := newNode(t)
	r := ordersAPI()
	for i, want := range []bool{true, false, true, false} {
		if i == 2 {
			r.Scopes[0].Description = "See all your orders."
		}
		changed, err := n.EnsureAPI(t.Context(), r)
		ok(t, err)
		if changed != want {
			t.Errorf("%d: changed %v", i, changed)
		}
	}
}

func TestTheConsentPageSaysWhatEachAPIIsAskedFor(t *testing.T) {
	n, c := newShop(t)
	v := n.signIn(n.user("alice"))
	d, err := n.Authorize(t.Context(), ask(c), v)
	ok(t, err)
	asked, err := n.Asked(t.Context(), &d.Interaction.Request)
	ok(t, err)
	got := fmt.Sprint(asked)
	if want := "[{Orders https://orders.example.com [{orders:read See your orders.} {orders:write Change your orders data.}]} " +
		"{Stock https://stock.example.com [{stock:read Read your stock data.}]}]"; got != want {
		t.Errorf("asked %s", got)
	}
}

func TestAPersonalAccessTokenIsForTheAPIOfItsScope(t *testing.T) {
	_, n := newNode(t)
	n.api(ordersAPI())
	n.api(stockAPI())
	r := shopApp()
	r.PersonalAccessTokens = true
	c := n.register(r)
	v := n.signIn(n.user("alice"))
	_, text, err := n.CreatePersonalToken(t.Context(), v.Session, oauth.NewPersonalToken{ClientID: c.ClientID, Name: "a", Scope: "orders:read", Lifetime: aMonth})
	ok(t, err)
	if seen := n.look(c, text); !slices.Equal(seen.Audience, []string{orders}) || seen.Scope.String() != "orders:read" {
		t.Errorf("reaches %q at %q", seen.Scope, seen.Audience)
	}
}

// A server that takes over the name of an API, as its issuer was changed, does not take over its record.
func TestAnAPIThatGoesByTheNameOfTheServerOwnsNothing(t *testing.T) {
	w, n := newNode(t)
	c := n.register(named("reader", "Reader"))
	before := oauth.New(oauth.Config{Issuer: "https://before.example.com", Backend: w.store, Directory: n.people, Audit: account.NewAudit(w.store, w.now), Keys: w.keys, Now: w.now})
	_, err := before.RegisterAPI(t.Context(), oauth.APIRegistration{
		Identifier: issuer, Scopes: []oauth.APIScope{{Name: "odd:read", Description: "Read"}}, ClientID: c.ClientID,
	})
	ok(t, err)
	after := w.node()
	if served, err := after.ServedBy(t.Context(), c); err != nil || len(served) > 0 {
		t.Errorf("a client serves %q, %v", served, err)
	}
	other := named("machine", "Machine")
	other.Scope, other.GrantTypes = "odd:read", []oauth.GrantType{oauth.ClientCredentials}
	after.register(other)
	ok(t, after.DeleteAPI(t.Context(), oauth.APIID(issuer)))
}
