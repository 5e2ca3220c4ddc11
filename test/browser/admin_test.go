package browser

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/test/authtest"
)

// office is the server whose administration the tests use. They share it as they share common: each signs in as an admin
// of its own, and makes clients, users and groups with names of its own.
var office = sharedServer{seed: officeSeed}

// admins is how many super admins the office has, each for one test.
const admins = 48

var nextAdmin atomic.Int64

// admin gives a super admin whom no other test knows.
func admin(t testing.TB) string {
	t.Helper()
	n := nextAdmin.Add(1)
	if n > admins {
		t.Fatal("there are more tests than admins: raise the number")
	}
	return fmt.Sprintf("admin%02d", n)
}

// Clients of the office. The listed ones stand for a list of exactly two pages, found by that word.
const (
	robotID      = "robot"     // may do everything, and makes users for tests
	inspectorID  = "inspector" // is told what the tokens for its API are worth
	inspectedAPI = "https://api.example.test"
	listed       = 30
	listedWord   = "lantern"
)

// worth tells whether a token for the inspected API is good.
func worth(t testing.TB, token string) bool {
	t.Helper()
	inspector := &authtest.App{Server: office.server, ID: inspectorID, Secret: keptKey, Method: authtest.Basic}
	return inspector.Active(t, token)
}

func officeSeed() string {
	users := []object{}
	for n := range admins {
		name := fmt.Sprintf("admin%02d", n+1)
		users = append(users, object{"username": name, "password": authtest.PasswordOf(name), "super_admin": true})
	}
	clients := []object{{
		"client_id": robotID, "client_name": "Robot of the office", "client_secret": keptKey, "grant_types": []string{"client_credentials"},
		"permissions": everyPermission(),
	}, {
		"client_id": inspectorID, "client_name": "An API", "client_secret": keptKey, "grant_types": []string{"client_credentials"},
		"resource_server": true, "audience": []string{inspectedAPI},
	}}
	for n := range listed {
		clients = append(clients, object{
			"client_id": fmt.Sprintf("%s-%02d", listedWord, n+1), "client_name": fmt.Sprintf("Lamp %02d", (n*7)%listed),
			"token_endpoint_auth_method": "none", "grant_types": []string{"authorization_code"},
			"redirect_uris": []string{fmt.Sprintf("https://lamp-%02d.example.test/callback", (n*11)%listed), "https://second.example.test/", "https://third.example.test/"},
		})
	}
	b, err := json.Marshal(object{"users": users, "clients": clients})
	if err != nil {
		panic(err) // texts and lists of texts
	}
	return string(b)
}

func everyPermission() []account.Permission {
	var all []account.Permission
	for _, w := range account.AllPermissions() {
		all = append(all, w.Permission)
	}
	return all
}

// enter opens a tab of the office and signs in as a user with the password of the seed, to come to a page.
func enter(t testing.TB, s scripting, user, path string) *tab {
	t.Helper()
	b := open(t, office.running(t), s)
	b.visit(path)
	b.at("/login")
	b.signIn(user)
	b.at(path)
	return b
}

// robotToken gives a token that robot works with, new each time: on a busy machine the tests may outlive one.
func robotToken() (string, error) {
	robot := &authtest.App{Server: office.server, ID: robotID, Secret: keptKey, Method: authtest.Basic}
	answer, err := robot.Call(authtest.TokenPath, authtest.Form("grant_type", "client_credentials", "scope", "admin"))
	if err == nil && answer.Access() == "" {
		err = fmt.Errorf("the robot gets no token: %s", answer)
	}
	if err != nil {
		return "", err
	}
	return answer.Access(), nil
}

// api sends JSON to the REST API of the office as the robot, and fails the test unless it is taken.
func api(t testing.TB, method, path string, body object) object {
	t.Helper()
	office.running(t)
	token, err := robotToken()
	if err != nil {
		t.Fatal(err)
	}
	answer := request(t, token, method, path, body)
	if answer.Status >= 300 {
		t.Fatalf("%s %s: %s", method, path, answer)
	}
	return answer.JSON
}

// request sends JSON to the REST API of the office with any token; nil is no body.
func request(t testing.TB, token, method, path string, body object) *authtest.Answer {
	t.Helper()
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		sent = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, office.server.URL("/admin/api/v1"+path), sent)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	return office.server.Do(t, r)
}

var nextClerk atomic.Int64

// clerk makes a user who may do this and nothing else.
func clerk(t testing.TB, permissions ...account.Permission) (username, id string) {
	t.Helper()
	username = fmt.Sprintf("clerk%02d", nextClerk.Add(1))
	made := api(t, http.MethodPost, "/users", object{"username": username, "password": authtest.PasswordOf(username), "permissions": permissions})
	id, _ = made["id"].(string) // the paths that it becomes part of say that it is there
	return username, id
}
