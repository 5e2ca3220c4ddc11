package oauth

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// RunFeed follows the revocation feed until ctx ends: it hears what other nodes append, keeps the list from running empty,
// and looks once more at what raced with an end (feed_settle.go).
func (p *Provider) RunFeed(ctx context.Context) {
	var both sync.WaitGroup
	both.Go(func() { every(ctx, feedPoll, func() { p.feed.poll(ctx) }) })
	late := newLateComers()
	both.Go(func() {
		every(ctx, feedPoll, func() { _ = p.settle(ctx, late) }) // what fails is tried again at the next tick
	})
	both.Wait()
}

// every calls at once, and then at each tick until ctx ends.
func every(ctx context.Context, pause time.Duration, call func()) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		call()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// poll reads what is new, and appends what waits, or an empty record where there has been none for long.
func (f *feed) poll(ctx context.Context) {
	if f.take(ctx) != nil {
		return
	}
	defer f.give()
	if f.read(ctx) != nil {
		return // tried again at the next tick
	}
	f.mu.Lock()
	due := len(f.waiting) > 0 || f.end.first == 0 || f.now().Sub(f.end.made) > feedKeepAlive
	f.mu.Unlock()
	if due && f.ready() {
		f.flush(ctx)
	}
}

const (
	feedPage    = 500              // records that are read at once
	feedRead    = feedBlind / 2    // how long reading a page of what is new may take
	feedReadAll = 30 * time.Second // and reading everything
)

// feedGap is for how long a node may not have heard from the store and still go on where it was. It is less than feedKept.
const feedGap = 10 * time.Minute

// read brings this node up to what the store holds now. It begins with the last record that it knows: where that is gone or
// another one, or what follows does not follow it, the store was set back, and all is read anew. The caller has the turn.
func (f *feed) read(ctx context.Context) error {
	f.mu.Lock()
	end, silent := f.end, f.clock()-f.heard
	f.mu.Unlock()
	if end.first == 0 || silent > feedGap {
		return within(ctx, feedReadAll, f.readAll)
	}
	goesOn, cursor := true, feedID(end.first-1)
	for page := 0; goesOn && (page == 0 || cursor != ""); page++ {
		err := within(ctx, feedRead, func(ctx context.Context) (err error) {
			goesOn, cursor, err = f.readNew(ctx, cursor, page)
			return err
		})
		if err != nil {
			return err // what was read is known: the next look goes on behind it
		}
	}
	if goesOn {
		return nil
	}
	return within(ctx, feedReadAll, f.readAll)
}

// readNew takes a page to what is known. The first one begins with the last record that is.
func (f *feed) readNew(ctx context.Context, cursor string, page int) (goesOn bool, next string, err error) {
	asked := f.clock()
	list, next, err := f.records.List(ctx, "", cursor, feedPage)
	if err != nil {
		return false, "", fmt.Errorf("read the revocation feed: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if page == 0 {
		if len(list) == 0 || list[0].First != f.end.first || list[0].Nonce != f.end.nonce {
			return false, "", nil
		}
		list = list[1:]
	}
	if !follows(f.end, list) {
		return false, "", nil
	}
	for _, r := range list {
		f.add(r)
	}
	if len(list) > 0 {
		f.wake()
	}
	if next == "" {
		f.heard = asked
		f.clean()
	}
	return true, next, nil
}

// follows reports whether a list goes on behind the last record that was known, without a gap.
func follows(end feedMark, list []*feedRecord) bool {
	for _, r := range list {
		if r.First != end.last+1 || r.After != end.nonce {
			return false
		}
		end = r.mark()
	}
	return true
}

// list gives all records behind a cursor.
func (f *feed) list(ctx context.Context, cursor string) ([]*feedRecord, error) {
	var all []*feedRecord
	for {
		page, next, err := f.records.List(ctx, "", cursor, feedPage)
		if err != nil {
			return nil, fmt.Errorf("read the revocation feed: %w", err)
		}
		all = append(all, page...)
		if next == "" {
			return all, nil
		}
		cursor = next
	}
}

// readAll reads the whole list. What this node knew and the store has lost waits to be appended once more.
func (f *feed) readAll(ctx context.Context) error {
	asked := f.clock()
	all, err := f.list(ctx, "")
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	known := f.told
	if f.end.first != 0 {
		f.branch++
	}
	f.end, f.told, f.recent = feedMark{}, nil, nil
	for _, r := range all {
		f.add(r)
	}
	f.heard = asked
	f.clean()
	f.rescue(known)
	f.wake()
	return nil
}

// rescue has what the store lost appended with the next record. The caller holds the lock.
func (f *feed) rescue(known []*feedEntry) {
	kept := map[string]bool{}
	for _, e := range f.told {
		kept[e.position()] = true
	}
	var lost []feedEvent
	for _, e := range known {
		if !kept[e.position()] && f.matters(e) {
			lost = append(lost, e.feedEvent)
		}
	}
	for _, t := range inBatches(lost) {
		t.rescue = true
		f.waiting = append(f.waiting, t)
	}
}

// add takes a record to what is known. The caller holds the lock.
func (f *feed) add(r *feedRecord) {
	for i, e := range r.Events {
		if n := len(f.told); n > 0 && slices.Equal(f.told[n-1].Audience, e.Audience) {
			e.Audience = f.told[n-1].Audience // most are the same: once in memory is enough
		}
		entry := &feedEntry{feedEvent: e, number: r.First + uint64(i), nonce: r.Nonce}
		if f.matters(entry) {
			f.told = append(f.told, entry)
			f.noteKeys(&entry.feedEvent)
		}
	}
	f.end = r.mark()
	f.recent = append(f.recent, f.end)
}

func (f *feed) matters(e *feedEntry) bool {
	return f.now().Before(time.Unix(e.Until, 0).Add(feedMargin))
}

// cleanEvery is how often memory is freed of what matters no more.
const cleanEvery = time.Minute

// clean lets go of what matters no more. The caller holds the lock.
func (f *feed) clean() {
	now := f.now()
	if now.Sub(f.cleaned).Abs() < cleanEvery {
		return
	}
	f.cleaned = now
	f.told = slices.DeleteFunc(f.told, func(e *feedEntry) bool { return !f.matters(e) })
	f.forgetKeys(now)
	oldest := now.Add(-feedPositions)
	stays := slices.IndexFunc(f.recent, func(m feedMark) bool { return m == f.end || m.made.After(oldest) }) // everybody is at the end
	if stays > 0 {
		f.recent = slices.Clone(f.recent[stays:])
	}
}
