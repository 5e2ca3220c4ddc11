package pages

import "github.com/grantor-dev/grantor/oauth"

// storeKinds say in words what keeps the records.
var storeKinds = map[string]string{
	"redis":           "Redis",
	"rediss":          "Redis, over TLS",
	"redis+sentinel":  "Redis with Sentinel",
	"rediss+sentinel": "Redis with Sentinel, over TLS",
	"redis+cluster":   "Redis Cluster",
	"rediss+cluster":  "Redis Cluster, over TLS",
	"bolt":            "A file on this server",
	"memory":          "Memory, lost when the server stops",
}

// issuedTitle says in words how a token was obtained.
func issuedTitle(grant string) string {
	if grant == string(oauth.PersonalAccessToken) {
		return "Personal access tokens"
	}
	return grantTitle(oauth.GrantType(grant))
}

// reason says why requests are refused.
type reason struct{ title, sentence string }

// reasons are the error codes of the protocol in words.
var reasons = map[oauth.Code]reason{
	oauth.InvalidRequest:          {"Malformed request", "Something that the protocol demands was missing, stood there twice or made no sense."},
	oauth.InvalidClient:           {"Client not proven", "The auth client is unknown or disabled, or its secret was wrong."},
	oauth.InvalidGrant:            {"Code or refresh token not good", "It was wrong, used before, too old or revoked, or did not belong to the client."},
	oauth.UnauthorizedClient:      {"Grant not enabled", "The auth client asked in a way that is not enabled for it."},
	oauth.UnsupportedGrantType:    {"Unknown grant", "The way in which a token was asked for is none that this server offers."},
	oauth.UnsupportedResponseType: {"Unknown response type", "An application asked for another answer than an authorization code."},
	oauth.InvalidScope:            {"Scope not allowed", "The auth client asked for a scope that it may not have, or that does not exist."},
	oauth.InvalidTarget:           {"API not allowed", "The auth client asked for a token for an API that it may not reach."},
	oauth.AccessDenied:            {"Denied by the user", "Somebody was asked to allow access and said no."},
	oauth.ServerError:             {"Failure of this server", "The server failed; its log tells more."},
	oauth.TemporarilyUnavailable:  {"Server not available", "The server was too busy, or its store did not answer."},
	oauth.LoginRequired:           {"Not signed in", "An application asked without showing a page, and nobody was signed in."},
	oauth.ConsentRequired:         {"Not allowed yet", "An application asked without showing a page, and the user had not allowed it yet."},
	oauth.RequestNotSupported:     {"Request object", "An application sent its request as a signed object, which this server does not take."},
	oauth.AuthorizationPending:    {"Not answered yet", "A device asked whether somebody had allowed it, and nobody had yet."},
	oauth.SlowDown:                {"Asked too often", "A device asked whether somebody had allowed it more often than it was told to."},
	oauth.ExpiredToken:            {"Device code expired", "Nobody allowed a device in the time that its code was good for."},
	oauth.InvalidToken:            {"Token not good", "A gateway asked about a token that is wrong, too old or revoked, or meant for another API."},
	oauth.InsufficientScope:       {"Token allows too little", "A gateway asked about a token that is good, but does not have the scope that is needed."},
	oauth.RequestURINotSupported:  {"Request by address", "An application sent the address of its request, which this server does not fetch."},
}

// reasonOf gives the words of an error code; one of a later version is told as it is.
func reasonOf(code string) reason {
	if why, known := reasons[oauth.Code(code)]; known {
		return why
	}
	return reason{code, "This version of the server has no words for it."}
}
