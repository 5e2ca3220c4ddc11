// Package protect guards an API with the access tokens of an OAuth 2 authorization server: Grantor, or any other one that
// publishes its metadata (RFC 8414 or OpenID Connect Discovery).
//
//	guard, err := protect.New(ctx, protect.Config{
//		Issuer:   "https://auth.example.com",   // whose tokens are taken
//		Audience: "https://orders.example.com", // what this API is called in them
//	})
//	if err != nil { ... }
//	defer guard.Close()
//
//	mux.Handle("GET /orders", guard.Require("orders:read")(http.HandlerFunc(list)))
//	http.ListenAndServe(addr, guard.Handler(mux))
//
// Handler lets through whoever shows a good token, Require whoever's token has certain scopes, and FromContext tells a
// handler whose token it is. Who is not let through gets the answer of RFC 6750, with the address of the document of
// RFC 9728 that tells a client where to get a token; Handler serves that document, too.
//
// # What is checked
//
// A JWT access token (RFC 9068) is checked here, with the published keys of the server: signature, algorithm, type, issuer,
// audience, times, and that every claim has its right type. All of RFC 9068 section 2.2 must be in it, and a `kid` in its
// header. A token seen before is not verified again. Keys are read ahead of time and kept through an outage of up to a day.
//
// Any other token is opaque: the server is asked about it (RFC 7662), and what it says is believed for Config.CacheTime.
// For that the API needs a client of its own at the server, Config.ClientID. Issuer and audience must fit where the answer
// names them. One that names no audience is taken, because the server itself must find out who may use a token before it
// answers (section 4): with a server of another make, see that it does.
//
// A token that is bound to a key (`cnf`) is refused: nothing here can prove that the caller has the key.
//
// # Revocation
//
// A JWT is good until it expires, whatever happens at the server. With Config.ClientID, the API listens to the revocation
// feed where the server offers one, as Grantor does, and then refuses what was revoked within a second, and so whatever a
// signing key signed that was withdrawn. Without the feed, let JWTs live for minutes only, and know that a withdrawn key is
// believed until the keys are read again, in five minutes. Config.WhenFeedAway says what happens while the feed cannot be
// heard, which is known after 15 seconds.
//
// When keys were withdrawn and the new ones cannot be read, what other known keys signed is still taken, and what an unknown
// key signed is answered with 503.
//
// # What is not done
//
// Tokens are read from the header Authorization only. One in the query is refused with 400, even beside a good header,
// because it stands in logs already; one in a form is not looked for. Every method needs a token, OPTIONS included: put
// whatever answers the preflights of CORS around the Handler. A server that is away is answered with 503 and never with
// 401, so that no client throws away a good token.
//
// The package has no state outside of a Guard, and starts no goroutine that Close does not end. It logs only to Config.Log,
// and neither there nor in an answer is there ever a token or a part of one. Metrics come by Config.Hooks.
package protect
