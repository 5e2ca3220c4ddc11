package oauth

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// The near misses that take some finding out.

// nearRedirect says which registered redirect URI is nearest to the one that came, and in what they differ.
func (c *Client) nearRedirect(given string) string {
	if len(c.RedirectURIs) == 0 {
		return "none is registered, got " + sentURI(given)
	}
	nearest, least := "", maxRedirectURI+1
	for _, registered := range c.RedirectURIs {
		if d := distance(registered, given); d < least {
			nearest, least = registered, d
		}
	}
	return fmt.Sprintf("registered “%s”, got %s: %s", nearest, sentURI(given, c.RedirectURIs...), uriDifference(nearest, given))
}

// compared is how much of two texts is compared where they differ, in bytes.
const compared = 128

// distance counts the bytes that are to be added, removed or changed to make one text of another (Levenshtein), beyond what
// they begin and end with alike.
func distance(a, b string) int {
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for a != "" && b != "" && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	rest := max(len(a)-compared, 0) + max(len(b)-compared, 0)
	a, b = a[:min(len(a), compared)], b[:min(len(b), compared)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)] + rest
}

// uriDifference says in what two URIs differ, as people make such mistakes.
func uriDifference(registered, got string) string {
	switch {
	case got == registered+"/":
		return "it has a slash too many at the end"
	case got+"/" == registered:
		return "it lacks the slash at the end"
	case strings.TrimSpace(got) == registered:
		return "it has blanks around it"
	case strings.EqualFold(got, registered):
		return "they differ in upper and lower case"
	case unescaped(got) == unescaped(registered):
		return "they differ in what is percent-encoded"
	}
	is, err := url.Parse(got)
	should, wrong := url.Parse(registered)
	if err != nil || wrong != nil {
		return "it is no URI"
	}
	if !is.IsAbs() {
		return "it is not absolute"
	}
	var parts []string
	for _, part := range []struct{ name, is, should string }{
		{"the scheme", is.Scheme, should.Scheme}, {"the host", is.Hostname(), should.Hostname()}, {"the port", is.Port(), should.Port()},
		{"the path", is.EscapedPath() + is.Opaque, should.EscapedPath() + should.Opaque}, {"the query", is.RawQuery, should.RawQuery},
		{"the fragment", is.Fragment, should.Fragment}, {"the user before the host", fmt.Sprint(is.User != nil), fmt.Sprint(should.User != nil)},
	} {
		if part.is != part.should {
			parts = append(parts, part.name)
		}
	}
	if len(parts) == 0 {
		return "they differ in their spelling"
	}
	return "they differ in " + strings.Join(parts, " and ")
}

func unescaped(uri string) string {
	plain, err := url.PathUnescape(uri)
	if err != nil {
		return uri
	}
	return plain
}

// tokenForm says what a text is by its form, where a token of one of our types is expected. It gives a sentence that can be kept,
// and the text itself need not.
func tokenForm(prefix, presented string) string {
	if !strings.HasPrefix(presented, prefix) {
		return "got: " + kindOf(presented)
	}
	if n := len(prefix) + tokenBodyText; len(presented) != n {
		return fmt.Sprintf("it has %d characters of %d: it was cut off, or something was added", len(presented), n)
	}
	return "its check does not match: it is mistyped, or not of this server"
}

// secretForm is tokenForm for a client secret.
func secretForm(presented string) string {
	text, ours := strings.CutPrefix(presented, clientSecretPrefix)
	switch {
	case presented == "":
		return "none came"
	case len(presented) > maxClientSecret:
		return "what came is too long to be one"
	case isGeneratedSecret(presented):
		return "what came has the form of one that this server makes, and its check digits are right"
	case ours && len(text) != generatedSecretText:
		return fmt.Sprintf("what came begins as one that this server makes, but has %d characters of %d: it was cut off, or something was added",
			len(presented), len(clientSecretPrefix)+generatedSecretText)
	case ours:
		return "what came begins as one that this server makes, but its check digits are wrong: it is mistyped"
	case strings.TrimSpace(presented) != presented:
		return "what came has blanks around it"
	}
	if kind := kindOf(presented); kind != nothingOfOurs {
		return "got: " + kind
	}
	return "what came does not have the form of one that this server makes"
}

// generatedSecretText is the length of a generated secret behind its prefix.
const generatedSecretText = 48

// nearSecret says what is the matter with the credentials of a client, which is nil where there is none of that name. Of the
// secret it is handed what may be kept: its form, and its hash where that is no help to anybody.
func (p *Provider) nearSecret(c *Client, method AuthMethod, form, hash string) string {
	switch {
	case c == nil:
		return "there is no such client"
	case c.Disabled:
		return "the client is disabled"
	case c.TokenEndpointAuthMethod != method:
		return fmt.Sprintf("registered for %s, got %s", c.TokenEndpointAuthMethod, method)
	}
	usable := 0
	for i := range c.Secrets {
		kept := &c.Secrets[i]
		if p.usable(kept) {
			usable++
		} else if hash != "" && kept.Hash == hash {
			return "what came is a secret of the client that expired " + p.since(kept.Expires)
		}
	}
	if usable == 0 {
		return "the client has no secret that has not expired"
	}
	return fmt.Sprintf("none of the client's %d secrets is what came; %s", usable, form)
}

// since says how long ago a time was.
func (p *Provider) since(t time.Time) string {
	return fmt.Sprintf("%v ago", p.now().Sub(t).Round(time.Second))
}

// nearVerifier says what is the matter with a PKCE verifier that does not match.
func nearVerifier(verifier string) string {
	n := len(verifier)
	switch {
	case n == 0:
		return "none came"
	case n < 43 || n > 128:
		return fmt.Sprintf("it has 43 to 128 characters, got %d", n)
	case !isPKCEString(verifier):
		return "it holds letters, digits and -._~ only, got others"
	}
	return "its SHA-256 in base64url is not the code_challenge: the application sends that of another request, or hashes otherwise"
}

// nearChallenge says what is the matter with a code_challenge by its form.
func nearChallenge(challenge string) string {
	switch n := len(challenge); {
	case n == 44 && strings.HasSuffix(challenge, "="):
		return "it ends in =: padding is left out"
	case n == 43 && strings.ContainsAny(challenge, "+/"):
		return "it is base64 with + and /, where base64url has - and _"
	case n == 64 && strings.Trim(strings.ToLower(challenge), "0123456789abcdef") == "":
		return "it is hexadecimal, not base64url"
	case n != 43:
		return fmt.Sprintf("it has 43 characters, got %d", n)
	}
	return "it holds other characters than letters, digits, - and _"
}

// nearClient says what is the matter with a client that a request names.
func nearClient(c *Client, named string) string {
	if c != nil && c.Disabled {
		return "the client is disabled"
	}
	return "there is no client " + sentText(named)
}

func nearGrant(c *Client, wanted GrantType) string {
	return fmt.Sprintf("registered for %s, got %s", join(c.GrantTypes), wanted)
}

func nearScope(allowed, asked Scope) string {
	missing := sentList(allowed.lacks(asked))
	if len(allowed) == 0 {
		return missing + " is not among them; none is allowed"
	}
	return fmt.Sprintf("not allowed: %s; allowed: %s", missing, covered(allowed.String(), 600))
}

func nearResource(allowed []string, asked string) string {
	if len(allowed) == 0 {
		return "none is allowed, got " + sentURI(asked)
	}
	for _, one := range allowed {
		if strings.TrimSuffix(one, "/") == strings.TrimSuffix(asked, "/") {
			return fmt.Sprintf("allowed “%s”, got %s: %s", one, sentURI(asked, one), uriDifference(one, asked))
		}
	}
	return fmt.Sprintf("allowed: %s; got %s", covered(strings.Join(allowed, " "), 600), sentURI(asked, allowed...))
}

// nearLogin says why nobody counts as signed in.
func (p *Provider) nearLogin(i *Interaction, v Visitor) string {
	r := &i.Request
	switch {
	case v.Session == nil || v.User == nil:
		return "nobody is signed in at this browser, or its cookie did not come along"
	case r.MaxAgeGiven:
		return fmt.Sprintf("the login was %s, max_age is %v", p.since(v.Session.Authenticated), r.MaxAge)
	}
	return "the login is not recent enough"
}

func nearConsent(r *AuthorizationRequest) string {
	if r.client.IsPublic() && !verifiesApp(r.RedirectURI) {
		return "an application on a device is asked about every time (RFC 8252 section 8.6)"
	}
	return "what is asked for was not allowed before, or was taken back: " + covered(r.Scope.String(), 600)
}

// nearGone is all that can be said of a token of ours whose authorization is gone. The id of that tells when it began.
func (p *Provider) nearGone(t token, lives time.Duration) string {
	const gone = "it was issued here, but its authorization is gone: "
	began := requestedAt(t.Authorization) // both begin with 48 bits of milliseconds
	age := p.now().Sub(began).Round(time.Second)
	if age > lives {
		return fmt.Sprintf("%sthat began %v ago, and this lives %v, unless it was revoked before", gone, Duration(age), Duration(lives))
	}
	return gone + "it was revoked, or ended by a second use"
}

// whyEnded gives the reason in an errEnded.
func whyEnded(err error) string { return strings.TrimPrefix(err.Error(), errEnded.Error()+": ") }

// nearReuse says when a refresh token was used before that ends its authorization now.
func (p *Provider) nearReuse(a *Authorization, t token) string {
	const ends = "; all that was issued with it ends with this second use"
	if a.Previous == nil || !a.Previous.Digest.equal(t.digest) {
		return "it was used before, and so was its successor" + ends
	}
	return fmt.Sprintf("it was used %s, and gives the same answer for %v", p.since(a.Previous.Used), p.lifetimes.RefreshGrace) + ends
}

// nearSameURI says in what the redirect URI of a token request differs from that of the authorization request.
func nearSameURI(expected, got string) string {
	if got == "" {
		return fmt.Sprintf("expected “%s”, none came", expected)
	}
	return fmt.Sprintf("expected “%s”, got %s: %s", expected, sentURI(got, expected), uriDifference(expected, got))
}
