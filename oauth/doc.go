// Package oauth holds the rules of the authorization server: which request is allowed, what is issued, what a token is
// worth. There is one file per grant or RFC. It knows no HTTP, no Redis and no HTML, does not log, and takes the time
// from Provider.Now. What a client may read of a refusal is *Error; any other error is a failure of the server.
package oauth
