package store

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"
)

// Copying brings a store to hold what another one holds, and tells what differs. Neither has to stand still: each record is
// copied whole, and what is written meanwhile is found by the next pass. The target must be used by nobody else.
type Copying struct {
	From, To Walker
	Kinds    Kinds
	Now      func() time.Time
}

const (
	copyWorkers = 64 // records that are looked at together
	copyPasses  = 8  // how often a source that changes is read at most
	copyTries   = 5  // how often a store that does not answer is asked for one record

	// nearEnd is how long before its end a record or counter may differ: one of the stores may have let go of it.
	nearEnd = time.Second
	// counterDrift is how far the ends of equal counters may lie apart: Redis gives and takes them as a time that is left.
	counterDrift = 5 * time.Second
)

// Compared is what came of reading two stores.
type Compared struct {
	Records  int                   // of the source
	Counters int                   // of the source
	Kinds    int                   // of which there are records
	Differs  map[string]Difference // by kind, counters under the name of theirs as well
}

// Difference counts what differs of one kind.
type Difference struct {
	Missing int // the target has none
	Other   int // the target has another
	Extra   int // only the target has it
}

// Equal reports whether nothing differs.
func (c *Compared) Equal() bool { return len(c.Differs) == 0 }

// Count tells how many records and counters differ.
func (c *Compared) Count() int {
	n := 0
	for _, d := range c.Differs {
		n += d.Missing + d.Other + d.Extra
	}
	return n
}

// Names gives the kinds that differ, in order.
func (c *Compared) Names() []string { return slices.Sorted(maps.Keys(c.Differs)) }

// Compare reads both stores and changes nothing.
func (c *Copying) Compare(ctx context.Context) (*Compared, error) {
	return c.pass(ctx, nil)
}

// Run copies what differs, in passes, until a pass finds the two equal or too many have not. It returns what the last pass
// found, and how many records and counters were written or removed in all.
func (c *Copying) Run(ctx context.Context) (last *Compared, changed int, err error) {
	for range copyPasses {
		if last, err = c.pass(ctx, c.settle); err != nil {
			return last, changed, err
		}
		if last.Equal() {
			return last, changed, nil
		}
		changed += last.Count()
	}
	return last, changed, nil
}

// Empty reports whether a store holds nothing.
func Empty(ctx context.Context, w Walker, kinds Kinds) (bool, error) {
	for r, err := range w.Records(ctx, kinds) {
		if errors.Is(err, ErrUnknownKind) || err == nil && r.Kind != MarkKind {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	for _, err := range w.Counters(ctx, kinds) {
		if err == nil || errors.Is(err, ErrUnknownKind) {
			return false, nil
		}
		return false, err
	}
	return true, nil
}

// differing is a record or a counter that is not in both stores alike.
type differing struct {
	kind   Kind
	way    way
	record Record   // of the source
	count  *Counter // of the source; nil: it is about a record
	id     string
}

type way uint8

const (
	same way = iota
	missing
	other
	extra
)

// pass reads both stores and does something about each difference.
func (c *Copying) pass(ctx context.Context, settle func(context.Context, differing) error) (*Compared, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := &copyPass{
		Copying: c, ctx: ctx, cancel: cancel, settle: settle, places: make(chan struct{}, copyWorkers),
		found: &Compared{Differs: map[string]Difference{}}, seen: map[string]bool{},
	}
	p.readAll()
	p.workers.Wait()
	if p.err != nil {
		return nil, p.err
	}
	p.found.Kinds = len(p.seen)
	return p.found, nil
}

// copyPass is one reading of both stores.
type copyPass struct {
	*Copying
	ctx    context.Context
	cancel context.CancelFunc
	settle func(context.Context, differing) error

	places  chan struct{}
	workers sync.WaitGroup

	mu    sync.Mutex
	err   error
	found *Compared
	seen  map[string]bool
}

func (p *copyPass) readAll() {
	for r, err := range p.From.Records(p.ctx, p.Kinds) {
		if p.stopped(err) {
			return
		}
		if r.Kind != MarkKind {
			p.seen[r.Kind.Name] = true
			p.found.Records++
			p.do(func() (differing, error) { return p.record(r) })
		}
	}
	for n, err := range p.From.Counters(p.ctx, p.Kinds) {
		if p.stopped(err) {
			return
		}
		p.found.Counters++
		p.do(func() (differing, error) { return p.counter(n) })
	}
	for r, err := range p.To.Records(p.ctx, p.Kinds) {
		if p.stopped(err) {
			return
		}
		if r.Kind != MarkKind && !r.Expired(p.Now().Add(nearEnd)) {
			p.do(func() (differing, error) {
				_, err := p.From.Get(p.ctx, r.Kind, r.ID)
				return differing{kind: r.Kind, id: r.ID, way: extra}.unless(err)
			})
		}
	}
	for n, err := range p.To.Counters(p.ctx, p.Kinds) {
		if p.stopped(err) {
			return
		}
		if !n.Ended(p.Now().Add(nearEnd)) {
			p.do(func() (differing, error) {
				_, err := p.From.Counter(p.ctx, n.Kind, n.ID)
				return differing{kind: n.Kind, id: n.ID, way: extra, count: &Counter{Kind: n.Kind, ID: n.ID}}.unless(err)
			})
		}
	}
}

// unless gives the difference where a store said that there is no such thing.
func (d differing) unless(err error) (differing, error) {
	if errors.Is(err, ErrNotFound) {
		return d, nil
	}
	return differing{}, err
}

// stopped keeps the first error, and reports whether there is one.
func (p *copyPass) stopped(err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil && err != nil {
		p.err = err
		p.cancel()
	}
	return p.err != nil
}

// do looks at something beside others, and settles the difference that it finds.
func (p *copyPass) do(look func() (differing, error)) {
	p.places <- struct{}{}
	p.workers.Go(func() {
		defer func() { <-p.places }()
		var d differing
		err := p.patiently(func() (err error) {
			if d, err = look(); err != nil || d.way == same || p.settle == nil {
				return err
			}
			return p.settle(p.ctx, d)
		})
		if p.stopped(err) || d.way == same {
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		n := p.found.Differs[d.kind.Name]
		switch d.way {
		case missing:
			n.Missing++
		case other:
			n.Other++
		case extra:
			n.Extra++
		}
		p.found.Differs[d.kind.Name] = n
	})
}

// patiently does again what a store did not answer: all of it may be done twice.
func (p *copyPass) patiently(do func() error) error {
	for try := 1; ; try++ {
		err := do()
		if err == nil || !IsUnavailable(err) || try == copyTries || p.ctx.Err() != nil {
			return err
		}
		select {
		case <-time.After(time.Duration(try) * 200 * time.Millisecond):
		case <-p.ctx.Done():
			return err
		}
	}
}

func (p *copyPass) record(r Record) (differing, error) {
	d := differing{kind: r.Kind, id: r.ID, record: r}
	found, err := p.To.Get(p.ctx, r.Kind, r.ID)
	switch {
	case r.Expired(p.Now().Add(nearEnd)):
		return differing{}, nil
	case errors.Is(err, ErrNotFound):
		d.way = missing
	case err != nil:
		return differing{}, err
	case !r.sameAs(found):
		d.way = other
	}
	return d, nil
}

func (p *copyPass) counter(n Counter) (differing, error) {
	d := differing{kind: n.Kind, id: n.ID, count: &n}
	found, err := p.To.Counter(p.ctx, n.Kind, n.ID)
	switch {
	case n.Ended(p.Now().Add(nearEnd)):
		return differing{}, nil
	case errors.Is(err, ErrNotFound):
		d.way = missing
	case err != nil:
		return differing{}, err
	case n.Value != found.Value || n.Ends.IsZero() != found.Ends.IsZero() || n.Ends.Sub(found.Ends).Abs() > counterDrift:
		d.way = other
	}
	return d, nil
}

// sameAs compares what callers of a store see but the version, which every store chooses for itself.
func (r Record) sameAs(o Record) bool {
	return string(r.Value) == string(o.Value) && slices.Equal(r.Tags, o.Tags) && millis(r.Expires) == millis(o.Expires)
}

// settle makes the target hold what the source holds.
func (c *Copying) settle(ctx context.Context, d differing) error {
	switch {
	case d.count != nil:
		return c.To.SetCounter(ctx, *d.count)
	case d.way == extra:
		_, err := c.To.Take(ctx, d.kind, d.id)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		return err
	}
	return put(ctx, c.To, d.record)
}

// put writes a record over whatever is there. Of a record that others write as well it may give up: the next pass sees it.
func put(ctx context.Context, to Backend, r Record) error {
	for range copyTries {
		_, err := to.Create(ctx, r)
		if !errors.Is(err, ErrExists) {
			return err
		}
		old, err := to.Get(ctx, r.Kind, r.ID)
		if err == nil {
			_, err = to.Swap(ctx, old, r)
		}
		if !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return nil
}
