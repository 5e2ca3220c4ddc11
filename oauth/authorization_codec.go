package oauth

import (
	"encoding/json"
	"math"
	"slices"
)

// An Authorization is written at every token request and read at every introspection, so it has a form of its own in the
// store. JSON, which older versions wrote and which begins with '{', is read as well. A new field needs a new format here.

// authorizationFormat begins a record in this form.
const authorizationFormat = 1

// What an authorization has, as bits. Those of the code come with hasCode.
const (
	hasCode = 1 << iota
	hasRefresh
	hasPrevious
	hasPersonal
	codeURIGiven
	codeRedeemed
	hasDevice

	authorizationBits = 1<<iota - 1
)

// What an access token has in common with its authorization.
const (
	sameScope = 1 << iota
	sameAudience

	accessBits = 1<<iota - 1
)

func encodeAuthorization(a *Authorization) ([]byte, error) {
	w := make(compactWriter, 0, 384)
	w.number(authorizationFormat)
	w.number(a.bits())
	w.text(a.ID)
	w.text(a.ClientID)
	w.text(a.UserID)
	w.text(a.SessionID)
	w.list(a.Scope)
	w.list(a.Audience)
	w.time(a.Created)
	w.time(a.Expires)
	w.time(a.Authenticated)
	w.time(a.UserNotBefore)
	w.time(a.Allowed)
	w.time(a.JWTUntil)
	if c := a.Code; c != nil {
		w.digest(&c.Digest)
		w.time(c.Expires)
		w.text(c.RedirectURI)
		w.text(c.Challenge)
	}
	if r := a.Refresh; r != nil {
		w.digest(&r.Digest)
		w.time(r.Expires)
	}
	if u := a.Previous; u != nil {
		w.digest(&u.Digest)
		w.time(u.Used)
		w.text(string(u.Sealed))
	}
	if p := a.Personal; p != nil {
		w.digest(&p.Digest)
		w.text(p.Name)
		w.text(p.Prefix)
	}
	if d := a.Device; d != nil {
		w.digest(&d.Digest)
		w.time(d.Expires)
		w.number(uint64(d.Status))
	}
	w.number(uint64(len(a.Access)))
	for i := range a.Access {
		w.access(a, &a.Access[i])
	}
	return w, nil
}

func (a *Authorization) bits() (bits uint64) {
	set := func(is bool, bit uint64) {
		if is {
			bits |= bit
		}
	}
	set(a.Code != nil, hasCode)
	set(a.Refresh != nil, hasRefresh)
	set(a.Previous != nil, hasPrevious)
	set(a.Personal != nil, hasPersonal)
	set(a.Device != nil, hasDevice)
	if a.Code != nil {
		set(a.Code.URIGiven, codeURIGiven)
		set(a.Code.Redeemed, codeRedeemed)
	}
	return bits
}

func (w *compactWriter) access(a *Authorization, s *accessState) {
	var bits uint64
	if slices.Equal(s.Scope, a.Scope) {
		bits |= sameScope
	}
	if slices.Equal(s.Audience, a.Audience) {
		bits |= sameAudience
	}
	w.number(bits)
	w.digest(&s.Digest)
	w.time(s.Issued)
	w.time(s.Expires)
	if bits&sameScope == 0 {
		w.list(s.Scope)
	}
	if bits&sameAudience == 0 {
		w.list(s.Audience)
	}
}

func decodeAuthorization(b []byte, a *Authorization) error {
	if len(b) > 0 && b[0] == '{' {
		return json.Unmarshal(b, a)
	}
	r := compactReader{rest: string(b)}
	if r.number() != authorizationFormat {
		return errCompact
	}
	bits := r.number()
	if bits&^authorizationBits != 0 {
		return errCompact
	}
	*a = Authorization{
		ID: r.text(), ClientID: r.text(), UserID: r.text(), SessionID: r.text(), Scope: r.list(), Audience: r.list(),
		Created: r.time(), Expires: r.time(), Authenticated: r.time(), UserNotBefore: r.time(), Allowed: r.time(), JWTUntil: r.time(),
	}
	if bits&hasCode != 0 {
		a.Code = &codeState{
			Digest: r.digest(), Expires: r.time(), RedirectURI: r.text(), Challenge: r.text(),
			URIGiven: bits&codeURIGiven != 0, Redeemed: bits&codeRedeemed != 0,
		}
	}
	if bits&hasRefresh != 0 {
		a.Refresh = &refreshState{Digest: r.digest(), Expires: r.time()}
	}
	if bits&hasPrevious != 0 {
		a.Previous = &usedRefresh{Digest: r.digest(), Used: r.time(), Sealed: []byte(r.text())}
	}
	if bits&hasPersonal != 0 {
		a.Personal = &personalState{Digest: r.digest(), Name: r.text(), Prefix: r.text()}
	}
	if bits&hasDevice != 0 {
		a.Device = &deviceState{Digest: r.digest(), Expires: r.time(), Status: r.deviceStatus()}
	}
	r.access(a)
	return r.done()
}

func (r *compactReader) deviceStatus() deviceStatus {
	n := r.number()
	if n > math.MaxUint8 {
		r.fail()
	}
	return deviceStatus(n)
}

// access reads the access tokens. Where one reaches as far as its authorization, both share their lists, which nobody
// changes in place.
func (r *compactReader) access(a *Authorization) {
	n := r.count()
	if n == 0 {
		return
	}
	a.Access = make([]accessState, 0, min(n, maxAccessTokens))
	for range n {
		bits := r.number()
		if bits&^accessBits != 0 || r.failed {
			r.fail()
			return
		}
		s := accessState{Digest: r.digest(), Issued: r.time(), Expires: r.time(), Scope: a.Scope, Audience: a.Audience}
		if bits&sameScope == 0 {
			s.Scope = r.list()
		}
		if bits&sameAudience == 0 {
			s.Audience = r.list()
		}
		a.Access = append(a.Access, s)
	}
}
