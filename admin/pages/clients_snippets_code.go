package pages

// codeSnippets sign a person in.
var codeSnippets = snippetTexts{
	{"curl", `
# 1. A new random value for this login, and its fingerprint.
verifier=$(openssl rand -base64 48 | tr '+/' '-_' | tr -d '=\n')
challenge=$(printf %s "$verifier" | openssl dgst -sha256 -binary | openssl base64 -A | tr '+/' '-_' | tr -d '=')
state=$(openssl rand -hex 16)

# 2. Open this in a browser, sign in and allow.
echo "{BEGIN}&state=$state&code_challenge=$challenge"

# 3. The browser is sent to {SENT}
#    with code and state. Check that the state is yours, and redeem the code within a minute.
read -r -p 'code: ' code
curl {TOKEN} \
?basic   -u {ID}:"$GRANTOR_CLIENT_SECRET" \
?post   --data-urlencode client_id={ID} \
?post   --data-urlencode client_secret="$GRANTOR_CLIENT_SECRET" \
?public   --data-urlencode client_id={ID} \
  -d grant_type=authorization_code \
  --data-urlencode code="$code" \
  --data-urlencode redirect_uri={REDIRECT} \
  --data-urlencode code_verifier="$verifier"
`},
	{"Go", `
package main

import (
	"context"
	"fmt"
	"log"
?secret 	"os"

	"golang.org/x/oauth2"
)

func main() {
	config := oauth2.Config{
		ClientID: {ID},
?secret 		ClientSecret: os.Getenv("GRANTOR_CLIENT_SECRET"),
		RedirectURL: {REDIRECT},
		Scopes: {SCOPES},
		Endpoint: oauth2.Endpoint{
			AuthURL:  {AUTHORIZE},
			TokenURL: {TOKEN},
?basic 			AuthStyle: oauth2.AuthStyleInHeader,
?post 			AuthStyle: oauth2.AuthStyleInParams,
?public 			AuthStyle: oauth2.AuthStyleInParams,
		},
	}
	verifier, state := oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	fmt.Println("Open this in a browser:", config.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier)))

	// The browser is sent back with code and state. Refuse a state that is not yours.
	var code string
	fmt.Print("code: ")
	if _, err := fmt.Scan(&code); err != nil {
		log.Fatal(err)
	}
	token, err := config.Exchange(context.Background(), code, oauth2.VerifierOption(verifier))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("expires", token.Expiry)
?refresh 	_ = config.Client(context.Background(), token) // an http.Client that renews the token by itself
}
`},
	{"Node", `
import { createHash, randomBytes } from "node:crypto";
import { createInterface } from "node:readline/promises";

const verifier = randomBytes(48).toString("base64url");
const state = randomBytes(16).toString("hex");
const begin = new URL({AUTHORIZE});
begin.search = new URLSearchParams({
  response_type: "code",
  client_id: {ID},
  redirect_uri: {REDIRECT},
?scope   scope: {SCOPE},
  state,
  code_challenge: createHash("sha256").update(verifier).digest("base64url"),
  code_challenge_method: "S256",
}).toString();
console.log("Open this in a browser:", begin.href);

// The browser is sent back with code and state. Refuse a state that is not yours.
const terminal = createInterface({ input: process.stdin, output: process.stdout });
const code = await terminal.question("code: ");
terminal.close();

const answer = await fetch({TOKEN}, {
  method: "POST",
?basic   headers: { Authorization: "Basic " + btoa({ID} + ":" + process.env.GRANTOR_CLIENT_SECRET) },
  body: new URLSearchParams({
    grant_type: "authorization_code",
?public     client_id: {ID},
?post     client_id: {ID},
?post     client_secret: process.env.GRANTOR_CLIENT_SECRET,
    code,
    redirect_uri: {REDIRECT},
    code_verifier: verifier,
  }),
});
const tokens = await answer.json();
if (!answer.ok) throw new Error(tokens.error + ": " + tokens.error_description);
console.log("expires in", tokens.expires_in, "seconds");
`},
	{"Python", `
import base64, hashlib, json, os, secrets, urllib.parse, urllib.request

verifier = secrets.token_urlsafe(48)
state = secrets.token_urlsafe(16)
challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
print("Open this in a browser:", {AUTHORIZE} + "?" + urllib.parse.urlencode({
    "response_type": "code",
    "client_id": {ID},
    "redirect_uri": {REDIRECT},
?scope     "scope": {SCOPE},
    "state": state,
    "code_challenge": challenge,
    "code_challenge_method": "S256",
}))

# The browser is sent back with code and state. Refuse a state that is not yours.
request = urllib.request.Request({TOKEN}, data=urllib.parse.urlencode({
    "grant_type": "authorization_code",
?public     "client_id": {ID},
?post     "client_id": {ID},
?post     "client_secret": os.environ["GRANTOR_CLIENT_SECRET"],
    "code": input("code: "),
    "redirect_uri": {REDIRECT},
    "code_verifier": verifier,
}).encode())
?basic credentials = {ID} + ":" + os.environ["GRANTOR_CLIENT_SECRET"]
?basic request.add_header("Authorization", "Basic " + base64.b64encode(credentials.encode()).decode())
with urllib.request.urlopen(request) as answer:
    tokens = json.load(answer)
print("expires in", tokens["expires_in"], "seconds")
`},
}
