package limit

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Class is a sort of request that is limited by itself: the same key has a bucket in each.
type Class uint8

// The classes. What comes without a proof of who sends it is counted by its address; what comes with one, by its sender.
const (
	Stranger            Class = iota // an address: requests of programs that did not prove who sends them
	Page                             // an address: pages for nobody who is signed in
	Document                         // an address: metadata, keys and static files
	ForwardAuth                      // an address: questions of gateways about tokens that are worth nothing
	Token                            // a client: token requests
	Introspection                    // a client: introspection
	Revocation                       // a client: revocation
	DeviceAuthorization              // a client: device authorization requests
	Feed                             // a client: streams of the revocation feed that are opened
	Account                          // a user: pages while signed in
	Admin                            // a user or a client: requests of the REST API
	classes
)

// Rate is what a bucket gives: so many requests a second on and on, and so many at once after a rest. The zero Rate is no
// limit.
type Rate struct {
	PerSecond float64
	Burst     float64
}

// Table holds the rate of every class.
type Table [classes]Rate

// Bounds of a rate that somebody may set.
const (
	minPerSecond = 1.0 / 3600
	maxPerSecond = 1e6
	maxBurst     = 1e7
	maxRest      = 366 * 24 * time.Hour // from empty to full: beyond centuries, nanoseconds overflow
)

// rows names the classes as configurations and logs do. Whoever proves who he is may send a lot: the server knows whom to
// disable, and what works at once is bounded by lanes. The tight rates are for everybody else.
func rows() [classes]struct {
	name string
	rate Rate
} {
	return [classes]struct {
		name string
		rate Rate
	}{
		Stranger:            {"stranger", Rate{100, 1000}},
		Page:                {"page", Rate{50, 500}},
		Document:            {"document", Rate{100_000, 200_000}}, // answering one costs no more than refusing it
		ForwardAuth:         {"forward_auth", Rate{5000, 10_000}}, // a gateway has one address for all of its callers
		Token:               {"token", Rate{50_000, 100_000}},
		Introspection:       {"introspection", Rate{100_000, 200_000}},
		Revocation:          {"revocation", Rate{50_000, 100_000}},
		DeviceAuthorization: {"device_authorization", Rate{10_000, 20_000}},
		Feed:                {"feed", Rate{100, 1000}},
		Account:             {"account", Rate{20_000, 40_000}},
		Admin:               {"admin", Rate{20_000, 40_000}},
	}
}

// String gives the name of the class.
func (c Class) String() string { return rows()[c].name }

// Default gives the rates where nothing is set.
func Default() Table {
	var t Table
	for c, row := range rows() {
		t[c] = row.rate
	}
	return t
}

// Parse changes the default rates by what somebody wrote: "page=20/200" is 20 a second and 200 at once, "token=off" is no
// limit.
func Parse(words []string) (Table, error) {
	t := Default()
	seen := map[string]bool{}
	for _, word := range words {
		name, value, ok := strings.Cut(word, "=")
		if !ok {
			return t, fmt.Errorf("%q is no limit: write NAME=RATE/BURST or NAME=off", word)
		}
		c, err := classNamed(name)
		if err != nil {
			return t, err
		}
		if seen[name] {
			return t, fmt.Errorf("%s is set more than once", name)
		}
		seen[name] = true
		if t[c], err = parseRate(value); err != nil {
			return t, fmt.Errorf("%s: %w", name, err)
		}
	}
	return t, nil
}

func classNamed(name string) (Class, error) {
	var names []string
	for c, row := range rows() {
		if row.name == name {
			return Class(c), nil
		}
		names = append(names, row.name)
	}
	return 0, fmt.Errorf("there is no limit %q: there are %s", name, strings.Join(names, ", "))
}

func parseRate(s string) (Rate, error) {
	if s == "off" {
		return Rate{}, nil
	}
	rate, burst, ok := strings.Cut(s, "/")
	perSecond, rateErr := strconv.ParseFloat(rate, 64)
	most, burstErr := strconv.ParseUint(burst, 10, 32)
	switch {
	case !ok || errors.Join(rateErr, burstErr) != nil:
		return Rate{}, fmt.Errorf("%q is no rate: write requests a second, a slash and how many may come at once, as in 20/200", s)
	case !(perSecond >= minPerSecond && perSecond <= maxPerSecond): // so that NaN is refused
		return Rate{}, fmt.Errorf("%s a second is out of range: write 0.0003 to 1000000", rate)
	case most < 1 || most > maxBurst:
		return Rate{}, fmt.Errorf("%s at once is out of range: write 1 to 10000000", burst)
	case float64(most)/perSecond > maxRest.Seconds():
		return Rate{}, fmt.Errorf("%s at %s a second takes more than a year to fill: write a higher rate, or fewer at once", burst, rate)
	}
	return Rate{PerSecond: perSecond, Burst: float64(most)}, nil
}

// String shows every class as Parse reads it.
func (t Table) String() string {
	words := make([]string, len(t))
	for c, r := range t {
		words[c] = Class(c).String() + "=" + r.String()
	}
	return strings.Join(words, ", ")
}

// String shows the rate as Parse reads it.
func (r Rate) String() string {
	if r == (Rate{}) {
		return "off"
	}
	return strconv.FormatFloat(r.PerSecond, 'f', -1, 64) + "/" + strconv.FormatFloat(r.Burst, 'f', -1, 64)
}

// ExceededError says that a request was refused unseen, since there were too many of its class under its key.
type ExceededError struct {
	Class      Class
	RetryAfter time.Duration // after which a request is let through, if no other is faster
}

func (e *ExceededError) Error() string {
	return fmt.Sprintf("limit %s is used up: wait %s", e.Class, e.RetryAfter)
}
