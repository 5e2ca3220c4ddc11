package oauth

import (
	"context"
	"maps"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// RunRefusals writes what was noted of refusals until ctx ends, and then once more. What the store does not take is let go.
func (p *Provider) RunRefusals(ctx context.Context) {
	tick := time.NewTicker(lostEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), refusalWrite)
			defer cancel()
			p.FlushRefusals(last)
			return
		case <-p.explain.wake:
			p.writeRefusals(context.WithoutCancel(ctx)) // what is under way at the end is finished: each write has its bound
		case <-tick.C:
			p.writeLost(ctx)
		}
	}
}

// FlushRefusals writes what was noted until now.
func (p *Provider) FlushRefusals(ctx context.Context) {
	p.writeRefusals(ctx)
	p.writeLost(ctx)
}

func (p *Provider) writeRefusals(ctx context.Context) {
	x := p.explain
	x.turn <- struct{}{}
	defer func() { <-x.turn }()
	x.mu.Lock()
	batch := x.waiting
	x.waiting = nil
	x.mu.Unlock()
	away := false
	for i := range batch {
		e := &batch[i].Explanation
		if !away {
			batch[i].complete()
			p.name(ctx, e)
			err := within(ctx, refusalWrite, func(ctx context.Context) error { return x.records.Create(ctx, e) })
			if err == nil {
				continue
			}
			away = store.IsUnavailable(err) // the others would wait as long
		}
		x.mu.Lock()
		x.miss(e)
		x.mu.Unlock()
	}
}

// complete finds out what the error tells, and covers up whatever looks like a secret.
func (r *refusedRequest) complete() {
	e := &r.Explanation
	e.tell(r.err)
	for text, most := range map[*string]int{
		&e.Method: 16, &e.Path: 200, &e.Error: 100, &e.Description: 500, &e.Rule: 200, &e.Source: 100, &e.Near: 1500, &e.Cause: 500,
		&e.ClientID: maxClientID, &e.Subject: 200, &e.Grant: 100, &e.Address: 64,
	} {
		*text = covered(*text, most)
	}
}

// tell is explained, but that a fault in what finds out costs no more than the near miss: nobody would recover from a panic here.
func (e *Explanation) tell(err error) {
	defer func() {
		if recover() != nil {
			e.Near = ""
		}
	}()
	e.explained(err)
}

// writeLost adds what was not kept to what other nodes could not keep. What cannot be written now waits for the next time.
func (p *Provider) writeLost(ctx context.Context) {
	x := p.explain
	x.turn <- struct{}{}
	defer func() { <-x.turn }()
	x.mu.Lock()
	missed := x.missed
	x.missed = map[string]*lostRefusals{}
	x.mu.Unlock()
	for id, lost := range missed {
		err := within(ctx, refusalWrite, func(ctx context.Context) error {
			return mergeInto(ctx, x.lost, id, func(kept *lostRefusals) error {
				kept.ID, kept.Expires = id, x.now().Add(x.kept+time.Hour)
				kept.add(lost)
				return nil
			})
		})
		if err == nil {
			delete(missed, id)
		} else if store.IsUnavailable(err) {
			break
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for id, lost := range missed {
		if x.missed[id] != nil {
			lost.add(x.missed[id])
		}
	}
	maps.Copy(x.missed, missed)
}
