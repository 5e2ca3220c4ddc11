package limit

// Sweep is what Run does beside exchanging.
func (l *Limits) Sweep() { l.sweep() }
