package account

// Occupy takes every place at the gate until release is called.
func (h *Hasher) Occupy() (release func()) {
	for range cap(h.running) {
		h.running <- struct{}{}
	}
	return func() {
		for range cap(h.running) {
			<-h.running
		}
	}
}

// Waiting tells how many wait at the gate.
func (h *Hasher) Waiting() int64 { return h.waiting.Load() }
