package oauth

import (
	"net/netip"
	"sync"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// How much is kept of refusals. Whoever is refused as often as he likes must fill neither a store nor this process: beyond
// these bounds, which are per node, refusals are only counted.
const (
	refusalBurst        = 500                   // at once
	refusalEvery        = 20 * time.Millisecond // then one in so long
	refusalShare        = 50_000                // in the time that they are kept, and refusalStock more at once
	refusalStock        = 10_000
	refusalAddressBurst = 100              // of one address at once
	refusalAddressEvery = 10 * time.Second // then one in so long
	refusalAddresses    = 4096             // that are told apart; all others share one place
	refusalQueue        = 1000             // that wait to be written
	refusalWrite        = 2 * time.Second  // how long one write may take, and the last flush
	lostEvery           = 10 * time.Second // how often the count of what was not kept is written
	lostHour            = "2006010215"     // a record of what was not kept is of one hour
)

// explanations keeps what is told of refusals, behind the requests.
type explanations struct {
	kept    time.Duration // 0: nothing is
	records *store.Collection[Explanation]
	lost    *store.Collection[lostRefusals]
	now     func() time.Time
	wake    chan struct{} // holds one thing: something waits
	turn    chan struct{} // holds one thing: who has it writes

	mu        sync.Mutex // over what follows
	waiting   []refusedRequest
	all, long bucket
	addresses map[string]*bucket
	swept     time.Time                // when room was last made among them
	missed    map[string]*lostRefusals // by hour
}

type refusedRequest struct {
	Explanation
	err error
}

// lostRefusals counts what was not kept in an hour.
type lostRefusals struct {
	ID      string    `json:"id"`
	Count   int       `json:"count"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Expires time.Time `json:"expires"`
}

func lostID(t time.Time) string { return t.UTC().Format(lostHour) }

// covers allows for what passes between the begin of a request and its refusal.
func (l *lostRefusals) covers(t time.Time) bool {
	return !t.Before(l.From.Add(-time.Minute)) && !t.After(l.To.Add(time.Minute))
}

func (l *lostRefusals) add(other *lostRefusals) {
	if l.Count == 0 || other.From.Before(l.From) {
		l.From = other.From
	}
	if other.To.After(l.To) {
		l.To = other.To
	}
	l.Count += other.Count
}

func newExplanations(b store.Backend, now func() time.Time, kept time.Duration) *explanations {
	return &explanations{
		kept: kept, now: now, wake: make(chan struct{}, 1), turn: make(chan struct{}, 1), addresses: map[string]*bucket{}, missed: map[string]*lostRefusals{},
		records: &store.Collection[Explanation]{
			Backend: b, Kind: store.Kind{Name: "refusal", Spread: true},
			ID:      func(e *Explanation) string { return explanationID(e.ID) },
			Tags:    func(e *Explanation) []string { return e.tags },
			Expires: func(e *Explanation) time.Time { return e.Expires },
		},
		lost: &store.Collection[lostRefusals]{
			Backend: b, Kind: store.Kind{Name: "refusals_lost", Spread: true},
			ID:      func(l *lostRefusals) string { return l.ID },
			Expires: func(l *lostRefusals) time.Time { return l.Expires },
		},
	}
}

// bucket leaks: it holds what was taken lately. The zero value is empty.
type bucket struct {
	level float64
	at    time.Time
}

// has reports whether it takes one more, where it holds size and one leaks out every so often.
func (b *bucket) has(now time.Time, size float64, every time.Duration) bool {
	if gone := now.Sub(b.at); gone > 0 { // a clock may step back
		b.level = max(0, b.level-float64(gone)/float64(every))
	}
	b.at = now
	return b.level+1 <= size
}

// NoteRefusal keeps, of a request that was refused, what the error tells. It waits for nothing: the rest is done behind the
// request. What e holds of the request is kept with secrets covered up.
func (p *Provider) NoteRefusal(e Explanation, err error) {
	x := p.explain
	if x.kept == 0 || !isRequestID(e.ID) {
		return
	}
	e.Time = x.now()
	e.Expires = e.Time.Add(x.kept)
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.waiting) >= refusalQueue || !x.admit(networkOf(e.Address), e.Time) {
		x.miss(&e)
		return
	}
	x.waiting = append(x.waiting, refusedRequest{e, err})
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

// admit reports whether one more is kept. The caller holds the lock.
func (x *explanations) admit(network string, now time.Time) bool {
	one := x.place(network, now)
	fits := one.has(now, refusalAddressBurst, refusalAddressEvery)
	fits = x.all.has(now, refusalBurst, refusalEvery) && fits
	fits = x.long.has(now, refusalStock, x.kept/refusalShare) && fits
	if fits {
		one.level, x.all.level, x.long.level = one.level+1, x.all.level+1, x.long.level+1
	}
	return fits
}

// place gives the bucket of an address. Where there are too many, those that are empty again make room.
func (x *explanations) place(network string, now time.Time) *bucket {
	const others = "others"
	if b := x.addresses[network]; b != nil {
		return b
	}
	if len(x.addresses) >= refusalAddresses && now.Sub(x.swept).Abs() >= time.Second {
		x.swept = now
		for of, b := range x.addresses {
			if b.has(now, refusalAddressBurst, refusalAddressEvery); b.level == 0 {
				delete(x.addresses, of)
			}
		}
	}
	if len(x.addresses) >= refusalAddresses {
		network = others
	}
	if x.addresses[network] == nil {
		x.addresses[network] = &bucket{}
	}
	return x.addresses[network]
}

// networkOf is what one subscriber has: an IPv4 address, or the /64 of an IPv6 address.
func networkOf(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Unmap().Is4() {
		return address
	}
	prefix, err := ip.WithZone("").Prefix(64)
	if err != nil {
		return address
	}
	return prefix.String()
}

// miss counts what is not kept. The caller holds the lock.
func (x *explanations) miss(e *Explanation) {
	at := requestedAt(e.ID)
	id := lostID(at)
	if x.missed[id] == nil {
		if len(x.missed) >= 48 { // the store is away for long
			return
		}
		x.missed[id] = &lostRefusals{ID: id}
	}
	x.missed[id].add(&lostRefusals{Count: 1, From: at, To: at})
}
