package pages

// machineSnippets get a token for the client itself.
var machineSnippets = snippetTexts{
	{"curl", `
curl {TOKEN} \
?basic   -u {ID}:"$GRANTOR_CLIENT_SECRET" \
?post   --data-urlencode client_id={ID} \
?post   --data-urlencode client_secret="$GRANTOR_CLIENT_SECRET" \
?scope   --data-urlencode scope={SCOPE} \
  -d grant_type=client_credentials
`},
	{"Go", `
package main

import (
	"context"
	"fmt"
	"log"
	"os"

?basic 	"golang.org/x/oauth2"
?post 	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

func main() {
	config := clientcredentials.Config{
		ClientID:     {ID},
		ClientSecret: os.Getenv("GRANTOR_CLIENT_SECRET"),
		TokenURL:     {TOKEN},
		Scopes:       {SCOPES},
?basic 		AuthStyle:    oauth2.AuthStyleInHeader,
?post 		AuthStyle:    oauth2.AuthStyleInParams,
	}
	client := config.Client(context.Background()) // gets a token when it needs one, and keeps it
	answer, err := client.Get({API})
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	fmt.Println(answer.Status)
}
`},
	{"Node", `
const answer = await fetch({TOKEN}, {
  method: "POST",
?basic   headers: { Authorization: "Basic " + btoa({ID} + ":" + process.env.GRANTOR_CLIENT_SECRET) },
  body: new URLSearchParams({
    grant_type: "client_credentials",
?post     client_id: {ID},
?post     client_secret: process.env.GRANTOR_CLIENT_SECRET,
?scope     scope: {SCOPE},
  }),
});
const token = await answer.json();
if (!answer.ok) throw new Error(token.error + ": " + token.error_description);
const call = await fetch({API}, { headers: { Authorization: "Bearer " + token.access_token } });
console.log(call.status);
`},
	{"Python", `
import base64, json, os, urllib.parse, urllib.request

request = urllib.request.Request({TOKEN}, data=urllib.parse.urlencode({
    "grant_type": "client_credentials",
?post     "client_id": {ID},
?post     "client_secret": os.environ["GRANTOR_CLIENT_SECRET"],
?scope     "scope": {SCOPE},
}).encode())
?basic credentials = {ID} + ":" + os.environ["GRANTOR_CLIENT_SECRET"]
?basic request.add_header("Authorization", "Basic " + base64.b64encode(credentials.encode()).decode())
with urllib.request.urlopen(request) as answer:
    token = json.load(answer)
call = urllib.request.Request({API}, headers={"Authorization": "Bearer " + token["access_token"]})
with urllib.request.urlopen(call) as answer:
    print(answer.status)
`},
}

// inspectSnippets ask what a token is worth.
var inspectSnippets = snippetTexts{
	{"curl", `
curl {INTROSPECT} \
?basic   -u {ID}:"$GRANTOR_CLIENT_SECRET" \
?post   --data-urlencode client_id={ID} \
?post   --data-urlencode client_secret="$GRANTOR_CLIENT_SECRET" \
  --data-urlencode token="$TOKEN"
`},
	{"Go", `
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"
)

func main() {
	form := url.Values{"token": {os.Getenv("TOKEN")}}
?post 	form.Set("client_id", {ID})
?post 	form.Set("client_secret", os.Getenv("GRANTOR_CLIENT_SECRET"))
	request, err := http.NewRequest(http.MethodPost, {INTROSPECT}, strings.NewReader(form.Encode()))
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
?basic 	request.SetBasicAuth({ID}, os.Getenv("GRANTOR_CLIENT_SECRET"))
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	var token struct {
		Active bool
		Scope  string
	}
	if err := json.NewDecoder(answer.Body).Decode(&token); err != nil {
		log.Fatal(err)
	}
	fmt.Println(token.Active, token.Scope)
}
`},
	{"Node", `
const answer = await fetch({INTROSPECT}, {
  method: "POST",
?basic   headers: { Authorization: "Basic " + btoa({ID} + ":" + process.env.GRANTOR_CLIENT_SECRET) },
  body: new URLSearchParams({
?post     client_id: {ID},
?post     client_secret: process.env.GRANTOR_CLIENT_SECRET,
    token: process.env.TOKEN,
  }),
});
const token = await answer.json();
console.log(token.active, token.scope);
`},
	{"Python", `
import base64, json, os, urllib.parse, urllib.request

request = urllib.request.Request({INTROSPECT}, data=urllib.parse.urlencode({
?post     "client_id": {ID},
?post     "client_secret": os.environ["GRANTOR_CLIENT_SECRET"],
    "token": os.environ["TOKEN"],
}).encode())
?basic credentials = {ID} + ":" + os.environ["GRANTOR_CLIENT_SECRET"]
?basic request.add_header("Authorization", "Basic " + base64.b64encode(credentials.encode()).decode())
with urllib.request.urlopen(request) as answer:
    token = json.load(answer)
print(token["active"], token.get("scope"))
`},
}

// personalSnippets use a token that a person made by hand.
var personalSnippets = snippetTexts{
	{"curl", `
curl -H "Authorization: Bearer $TOKEN" {API}
`},
	{"Go", `
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
)

func main() {
	request, err := http.NewRequest(http.MethodGet, {API}, nil)
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("TOKEN"))
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	fmt.Println(answer.Status)
}
`},
	{"Node", `
const answer = await fetch({API}, { headers: { Authorization: "Bearer " + process.env.TOKEN } });
console.log(answer.status);
`},
	{"Python", `
import os, urllib.request

request = urllib.request.Request({API}, headers={"Authorization": "Bearer " + os.environ["TOKEN"]})
with urllib.request.urlopen(request) as answer:
    print(answer.status)
`},
}
