package pages

// deviceSnippets let a person allow what runs on a device, in a browser of his own.
var deviceSnippets = snippetTexts{
	{"curl", `
field() { printf %s "$answer" | sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",}]*\).*/\1/p"; }

# 1. Ask for a code, and show it.
answer=$(curl -sS {DEVICE} \
?basic   -u {ID}:"$GRANTOR_CLIENT_SECRET" \
?post   --data-urlencode client_secret="$GRANTOR_CLIENT_SECRET" \
?scope   --data-urlencode scope={SCOPE} \
  --data-urlencode client_id={ID})
device=$(field device_code) interval=$(field interval)
echo "Open $(field verification_uri) on a phone or a computer, and enter $(field user_code)"

# 2. Ask as often as the server says whether somebody has allowed it.
while sleep "$interval"; do
  answer=$(curl -sS {TOKEN} \
?basic     -u {ID}:"$GRANTOR_CLIENT_SECRET" \
?post     --data-urlencode client_secret="$GRANTOR_CLIENT_SECRET" \
    --data-urlencode client_id={ID} \
    -d grant_type=urn:ietf:params:oauth:grant-type:device_code \
    --data-urlencode device_code="$device")
  case $(field error) in
    authorization_pending) ;;
    slow_down) interval=$((interval + 5)) ;;
    *) break ;; # tokens, or why there will be none: access_denied, expired_token
  esac
done
echo "$answer"
`},
	{"Go", `
package main

import (
	"context"
	"fmt"
	"log"
?basic 	"net/http"
?secret 	"os"

	"golang.org/x/oauth2"
)

func main() {
	config := oauth2.Config{
		ClientID: {ID},
?secret 		ClientSecret: os.Getenv("GRANTOR_CLIENT_SECRET"),
		Scopes: {SCOPES},
		Endpoint: oauth2.Endpoint{
			DeviceAuthURL: {DEVICE},
			TokenURL: {TOKEN},
?basic 			AuthStyle: oauth2.AuthStyleInHeader,
?post 			AuthStyle: oauth2.AuthStyleInParams,
?public 			AuthStyle: oauth2.AuthStyleInParams,
		},
	}
	ctx := context.Background()
?basic 	first := context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: withSecret(config)})
?basic 	device, err := config.DeviceAuth(first)
?post 	device, err := config.DeviceAuth(ctx, oauth2.SetAuthURLParam("client_secret", config.ClientSecret))
?public 	device, err := config.DeviceAuth(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("Open %s on a phone or a computer, and enter %s\n", device.VerificationURI, device.UserCode)

	// It asks as often as the server says, until somebody allows or denies it, or the code expires.
	token, err := config.DeviceAccessToken(ctx, device)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("expires", token.Expiry)
?refresh 	_ = config.Client(ctx, token) // an http.Client that renews the token by itself
}
?basic
?basic // withSecret adds what the package leaves out of the request for a code.
?basic type withSecret oauth2.Config
?basic
?basic func (c withSecret) RoundTrip(r *http.Request) (*http.Response, error) {
?basic 	r = r.Clone(r.Context())
?basic 	r.SetBasicAuth(c.ClientID, c.ClientSecret)
?basic 	return http.DefaultTransport.RoundTrip(r)
?basic }
`},
	{"Node", `
async function ask(address, fields) {
  const answer = await fetch(address, {
    method: "POST",
?basic     headers: { Authorization: "Basic " + btoa({ID} + ":" + process.env.GRANTOR_CLIENT_SECRET) },
    body: new URLSearchParams({
      client_id: {ID},
?post       client_secret: process.env.GRANTOR_CLIENT_SECRET,
      ...fields,
    }),
  });
  return answer.json();
}

const device = await ask({DEVICE}, {
?scope   scope: {SCOPE},
});
if (device.error) throw new Error(device.error + ": " + device.error_description);
console.log("Open", device.verification_uri, "on a phone or a computer, and enter", device.user_code);

let interval = device.interval, tokens;
do {
  await new Promise((resolve) => setTimeout(resolve, interval * 1000));
  tokens = await ask({TOKEN}, {
    grant_type: "urn:ietf:params:oauth:grant-type:device_code",
    device_code: device.device_code,
  });
  if (tokens.error === "slow_down") interval += 5;
} while (tokens.error === "authorization_pending" || tokens.error === "slow_down");
if (tokens.error) throw new Error(tokens.error + ": " + tokens.error_description);
console.log("expires in", tokens.expires_in, "seconds");
`},
	{"Python", `
?basic import base64, json, os, time, urllib.error, urllib.parse, urllib.request
?post import json, os, time, urllib.error, urllib.parse, urllib.request
?public import json, time, urllib.error, urllib.parse, urllib.request

def ask(address, **fields):
    request = urllib.request.Request(address, data=urllib.parse.urlencode({
        "client_id": {ID},
?post         "client_secret": os.environ["GRANTOR_CLIENT_SECRET"],
        **fields,
    }).encode())
?basic     credentials = {ID} + ":" + os.environ["GRANTOR_CLIENT_SECRET"]
?basic     request.add_header("Authorization", "Basic " + base64.b64encode(credentials.encode()).decode())
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refusal:
        return json.load(refusal)

?scope device = ask({DEVICE}, scope={SCOPE})
?unscoped device = ask({DEVICE})
if "error" in device:
    raise SystemExit(device["error"] + ": " + device["error_description"])
print("Open", device["verification_uri"], "on a phone or a computer, and enter", device["user_code"], flush=True)

interval, tokens = device["interval"], {"error": "authorization_pending"}
while tokens.get("error") in ("authorization_pending", "slow_down"):
    time.sleep(interval)
    tokens = ask({TOKEN},
                 grant_type="urn:ietf:params:oauth:grant-type:device_code",
                 device_code=device["device_code"])
    if tokens.get("error") == "slow_down":
        interval += 5
if "error" in tokens:
    raise SystemExit(tokens["error"] + ": " + tokens["error_description"])
print("expires in", tokens["expires_in"], "seconds")
`},
}
