package protect

import "context"

// feed listens to the revocations of the server.
type feed struct {
	config    *Config
	discovery *discovery
	denied    denied
}

func newFeed(c *Config, d *discovery) *feed { return &feed{config: c, discovery: d} }

// run listens until the context ends.
func (f *feed) run(ctx context.Context) { <-ctx.Done() }

// ended tells whether the server has told that the token, or what it stands on, has ended.
func (f *feed) ended(t *Token) bool { return f.denied.has(t.marks, second(f.config.Now())) }

// current tells whether all revocations up to 15 seconds ago were heard.
func (f *feed) current() bool { return false }
