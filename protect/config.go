package protect

import (
	"log/slog"
	"net/http"
	"time"
)

// Config says which API is guarded, and whose tokens it takes. Issuer and Audience are needed; the rest has defaults.
type Config struct {
	// Issuer is the authorization server, exactly as it calls itself: an https URL, or an http URL of this machine.
	Issuer string
	// Audience is the identifier of this API, which stands in the `aud` of tokens meant for it: an absolute URI without a
	// fragment. Where it is an http or https URL, the API is described at a well-known path of it (RFC 9728).
	Audience string

	// ClientID and ClientSecret are the client as which the API introspects opaque tokens and reads the revocation feed.
	// Without them it takes JWTs only, and knows of no revocation.
	ClientID     string
	ClientSecret string

	// Scopes, Name and Documentation (an URL) are told in the RFC 9728 document.
	Scopes        []string
	Name          string
	Documentation string

	// Algorithms are the signature algorithms that are taken, of ES256, EdDSA and RS256. Empty: all three.
	Algorithms []string
	// Skew is how far the clocks of the server and of this machine may differ. 0: 5 seconds; at most 1 minute.
	Skew time.Duration
	// CacheSize is how many verified tokens are remembered. 0: 10,000.
	CacheSize int
	// CacheTime is how long an answer of the server about a token is believed, never past the end of the token. 0: 30 seconds.
	CacheTime time.Duration

	// Feed says whether revocations are listened to.
	Feed FeedUse
	// WhenFeedAway says what becomes of JWTs while the feed cannot be heard.
	WhenFeedAway Away
	// EndWithSession refuses tokens whose session, in which they were allowed, was ended. One that runs out is not told of.
	EndWithSession bool

	// HTTPClient is used towards the server, without following redirects. Nil: one of its own. One that speaks HTTP/2 must
	// look itself whether its connection is alive (http.HTTP2Config.SendPingTimeout), or it goes on with a dead one for long.
	HTTPClient *http.Client
	// Timeout is how long one request to the server may take. 0: 5 seconds.
	Timeout time.Duration
	// Log is told what an operator should know, never a token. Nil: nothing is logged.
	Log *slog.Logger
	// Hooks are called for metrics.
	Hooks Hooks
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
}

// String names the API and the server. It keeps the secret out of any log.
func (c Config) String() string { return "protect.Config of " + c.Audience + " at " + c.Issuer }

// GoString is String: %#v would print the secret.
func (c Config) GoString() string { return c.String() }

// FeedUse says whether the revocation feed of the server is used.
type FeedUse int

// The uses of the feed.
const (
	FeedAuto     FeedUse = iota // where the server offers one and ClientID is set
	FeedOff                     // never
	FeedRequired                // always: while the server offers none, JWTs are answered with 503
)

// Away says what becomes of JWTs while the feed is in use and cannot be heard.
type Away int

// The ways to go on without the feed.
const (
	GoOn      Away = iota // they are taken as if there were no feed, and it is logged
	AskServer             // the server is asked about each, and its answer is believed for CacheTime
	Refuse                // they are answered with 503
)
