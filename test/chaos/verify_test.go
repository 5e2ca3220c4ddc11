package chaos

import "time"

// verify looks at all that stands in the ledger of a worker. Where the store is busy it waits.
func (w *worker) verify() {
	w.counts.unknown.Add(w.open())
	for _, t := range w.tokens {
		w.surely(func() { w.inspect(t) })
	}
	for _, f := range w.families {
		w.verifyFamily(f)
	}
	for _, c := range w.clients {
		w.surely(func() { w.inspectClient(c) })
		for _, t := range c.tokens {
			w.surely(func() { w.holdsOfClient(c, t) })
		}
	}
}

// open counts what became of an unanswered request and was not seen since.
func (w *worker) open() (n int64) {
	for _, t := range w.tokens {
		n += t.isOpen()
	}
	for _, f := range w.families {
		n += f.isOpen()
	}
	for _, c := range w.clients {
		n += c.isOpen()
	}
	return n
}

// surely does something again until it was answered.
func (w *worker) surely(do func()) {
	for deadline := time.Now().Add(patience); ; {
		before := w.setbacks.Load()
		do()
		if w.setbacks.Load() == before {
			return
		}
		if time.Now().After(deadline) {
			w.findings.add("there is no good answer %v after the last fault", patience)
			return
		}
	}
}

// verifyFamily shows once more what was used: all of it is refused, and the last refusal has ended everything.
func (w *worker) verifyFamily(f *family) {
	for _, value := range f.access {
		w.surely(func() { w.holds(f.asked.App.On(w.server()), value, &f.state) })
	}
	w.surely(func() { w.inspectFamily(f) })
	if !f.codeGood {
		if f.fate == stands {
			w.surely(func() { w.redeem(f) })
		}
		return
	}
	if n := len(f.older); n > 0 {
		w.surely(func() { w.replay(f, f.older[n-1]) })
	}
	w.surely(func() { w.replayCode(f) })
	for _, value := range f.access {
		w.surely(func() { w.holds(f.asked.App.On(w.server()), value, &f.state) })
	}
}
