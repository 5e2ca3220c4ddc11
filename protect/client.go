package protect

import (
	"encoding/base64"
	"net/url"
	"sync/atomic"
)

// basic gives the header of HTTP Basic authentication, both halves form-encoded (RFC 6749 section 2.3.1).
func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
}

// once keeps a fault from filling the log: it is told again only after things went well.
type once struct{ told atomic.Bool }

func (o *once) log(tell func()) {
	if o.told.CompareAndSwap(false, true) {
		tell()
	}
}

func (o *once) forget() { o.told.Store(false) }
