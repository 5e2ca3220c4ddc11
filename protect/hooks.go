package protect

import "time"

// Hooks are called for metrics. Each may be nil; they are called from many goroutines and must not block.
type Hooks struct {
	// OnCheck is called once for each token that was checked: "ok", "no_token", "invalid_request", "invalid_token",
	// "insufficient_scope" or "unavailable", and how long it took.
	OnCheck func(result string, took time.Duration)
	// OnIntrospect is called for each request to the introspection endpoint: "active", "inactive" or "unavailable".
	OnIntrospect func(result string, took time.Duration)
	// OnKeys is called when the keys of the server were read: "read" or "failed", and how many keys are known then.
	OnKeys func(result string, keys int)
	// OnFeed is called when the state of the feed changes: "current" or "away".
	OnFeed func(state string)
}

func (h *Hooks) check(result string, took time.Duration) {
	if h.OnCheck != nil {
		h.OnCheck(result, took)
	}
}

func (h *Hooks) introspect(result string, took time.Duration) {
	if h.OnIntrospect != nil {
		h.OnIntrospect(result, took)
	}
}

func (h *Hooks) keys(result string, keys int) {
	if h.OnKeys != nil {
		h.OnKeys(result, keys)
	}
}

func (h *Hooks) feed(state string) {
	if h.OnFeed != nil {
		h.OnFeed(state)
	}
}
