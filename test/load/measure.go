package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// work is one operation on one connection.
type work func(*connection) error

// errUsedUp says that there is nothing more to work on; the measurement ends early.
var errUsedUp = errors.New("nothing is left")

// load is how hard is measured.
type load struct {
	connections int
	duration    time.Duration
}

// figures are the outcome of one measurement.
type figures struct {
	perSecond float64
	p50, p99  time.Duration
	processor time.Duration // that the measured process took for each operation
}

// endpoint is a process that is measured.
type endpoint struct {
	address string // host:port
	pid     int
}

// measure repeats the work on all connections for the duration.
func (l *load) measure(ctx context.Context, to endpoint, do work) (figures, error) {
	connections := make([]*connection, l.connections)
	for i := range connections {
		c, err := dial(to.address)
		if err != nil {
			return figures{}, err
		}
		defer c.close()
		connections[i] = c
	}
	var (
		workers sync.WaitGroup
		times   = make([][]time.Duration, l.connections)
		faults  = make([]error, l.connections)
		before  = to.processor()
		began   = time.Now()
		ends    = began.Add(l.duration)
	)
	for i, c := range connections {
		workers.Go(func() { times[i], faults[i] = repeat(ctx, ends, c, do) })
	}
	workers.Wait()
	took := time.Since(began)
	return summary(slices.Concat(times...), took, to.processor()-before), errors.Join(faults...)
}

func repeat(ctx context.Context, ends time.Time, c *connection, do work) ([]time.Duration, error) {
	times := make([]time.Duration, 0, 4096)
	for began := time.Now(); began.Before(ends); {
		if err := ctx.Err(); err != nil {
			return times, err
		}
		if err := do(c); errors.Is(err, errUsedUp) {
			return times, nil
		} else if err != nil {
			return times, err
		}
		now := time.Now()
		times = append(times, now.Sub(began))
		began = now
	}
	return times, nil
}

func summary(times []time.Duration, took, processor time.Duration) figures {
	if len(times) == 0 {
		return figures{}
	}
	slices.Sort(times)
	return figures{
		perSecond: float64(len(times)) / took.Seconds(),
		p50:       times[len(times)/2],
		p99:       times[len(times)*99/100],
		processor: processor / time.Duration(len(times)),
	}
}

// median gives the median of each figure by itself.
func median(all []figures) figures {
	each := func(of func(figures) float64) float64 {
		values := make([]float64, len(all))
		for i, f := range all {
			values[i] = of(f)
		}
		return middle(values)
	}
	return figures{
		perSecond: each(func(f figures) float64 { return f.perSecond }),
		p50:       time.Duration(each(func(f figures) float64 { return float64(f.p50) })),
		p99:       time.Duration(each(func(f figures) float64 { return float64(f.p99) })),
		processor: time.Duration(each(func(f figures) float64 { return float64(f.processor) })),
	}
}

// middle is the median. It sorts the values.
func middle(values []float64) float64 {
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}
