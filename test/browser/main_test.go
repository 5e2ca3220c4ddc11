// Package browser looks at the pages of the whole program in a real Chromium: what its policies allow and refuse, what runs
// and what does not, what is seen, and what a person can do with a mouse, with keys alone, and without scripts.
//
// Every page that a test opens is watched: a violation of the content security policy, an error on the console, a dialog,
// or a request to anybody but the server and the application of the test fails it. With GRANTOR_TEST_SCREENSHOTS set to a
// folder, TestPages leaves a picture there of every page at two widths, light and dark.
package browser

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/grantor-dev/grantor/test/authtest"
)

// atOnce is how many tests run at the same time: most of the time they wait for the browser, more than for a processor.
const atOnce = "4"

func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", atOnce); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := authtest.Main(m)
	chromium.end()
	for _, fault := range append(common.end(), office.end()...) {
		fmt.Println("shared server:", fault)
		code = 1
	}
	os.Exit(code)
}

// common is the server that tests share. Each has a user of its own, so none sees what another does.
var common = sharedServer{seed: seed}

type sharedServer struct {
	seed   func() string
	once   sync.Once
	server *authtest.Server
	err    error
}

func shared(t testing.TB) *authtest.Server {
	t.Helper()
	return common.running(t)
}

func (c *sharedServer) running(t testing.TB) *authtest.Server {
	t.Helper()
	c.once.Do(func() {
		c.server, c.err = authtest.Run(authtest.Options{
			Seed: c.seed(), Args: []string{"--limit-exempt", "127.0.0.0/8"}, // logins are slowed by account alone
		})
	})
	if c.err != nil {
		t.Fatalf("start grantor: %v", c.err)
	}
	c.server.Keep(keptKey)
	return c.server
}

func (c *sharedServer) end() []string {
	if c.server == nil {
		return nil
	}
	return c.server.Close()
}

// people is how many users the seed has, each for one test.
const people = 64

var nextPerson atomic.Int64

// person gives a user whom no other test knows.
func person(t testing.TB) string {
	t.Helper()
	n := nextPerson.Add(1)
	if n > people {
		t.Fatal("there are more tests than people: raise the number")
	}
	return fmt.Sprintf("person%02d", n)
}

// The applications. Each comes back to a loopback address on whatever port its test listens at.
const (
	nativeID = "native" // public: asked for consent every time
	keeperID = "keeper" // confidential: its consent is remembered
	plainID  = "plain"  // confidential, asks for no permission
	keptKey  = "a-secret-that-the-keeper-keeps-to-itself"
)

// hostileNames are what an application or a person may be called. Names with characters that turn or hide text cannot be
// registered; these can.
var hostileNames = []string{
	`<script>document.title="owned"</script><img src=x onerror=alert(1)>`,
	`"'><svg/onload=alert(1)>&lt;b&gt; {{.}} ${7*7} </h1></title><base href=//elsewhere.invalid>`,
	"تطبيق المحاسبة <b>חשבון</b> (!)",
	strings.Repeat("👩‍👩‍👧‍👦", 20) + " 🏳️‍🌈 🇫🇷",
	strings.Repeat("W", 255),
	"Za" + strings.Repeat("\u0301\u0323", 100) + "lgo",
	strings.Repeat("長い名前", 60),
}

func hostileID(i int) string   { return fmt.Sprintf("hostile-%d", i) }
func hostileUser(i int) string { return fmt.Sprintf("hostile%d", i) }

// hostilePerson is as much of a hostile name as a person may have.
func hostilePerson(i int) string {
	letters := []rune(hostileNames[i])
	return string(letters[:min(len(letters), 200)])
}

type object = map[string]any

// seed is JSON, which is YAML as well.
func seed() string {
	loopback := []string{"http://127.0.0.1/callback", "http://localhost:9/callback", "http://[::1]/callback"}
	client := func(id, name string, more object) object {
		c := object{
			"client_id": id, "client_name": name, "redirect_uris": loopback, "token_endpoint_auth_method": "none",
			"grant_types": []string{"authorization_code", "refresh_token"}, "scope": "profile api:read api:write",
			"default_scope": "profile",
		}
		for key, value := range more {
			c[key] = value
		}
		return c
	}
	clients := []object{
		client(nativeID, "Holiday photos", object{"client_uri": "https://photos.example.test/about"}),
		client(keeperID, "Accounts of the club", object{
			"token_endpoint_auth_method": "client_secret_basic", "client_secret": keptKey,
			"audience": []string{"https://api.example.test", "https://reports.example.test"},
		}),
		client(plainID, "Door bell", object{
			"token_endpoint_auth_method": "client_secret_basic", "client_secret": keptKey,
			"scope": "", "default_scope": "",
		}),
	}
	var users []object
	for n := range people {
		name := fmt.Sprintf("person%02d", n+1)
		users = append(users, object{"username": name, "password": authtest.PasswordOf(name), "name": fmt.Sprintf("Person %d", n+1)})
	}
	for i, name := range hostileNames {
		clients = append(clients, client(hostileID(i), name, nil))
		users = append(users, object{"username": hostileUser(i), "password": authtest.PasswordOf(hostileUser(i)), "name": hostilePerson(i)})
	}
	b, err := json.Marshal(object{"users": users, "clients": clients})
	if err != nil {
		panic(err) // texts and lists of texts
	}
	return string(b)
}
