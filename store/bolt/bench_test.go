package bolt

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// token looks like what the token path writes: a few hundred bytes that end.
func token(i int64) store.Record {
	return store.Record{
		Kind: kind, ID: newID(), Value: make([]byte, 400), Expires: time.Now().Add(time.Hour),
		Tags: []string{fmt.Sprintf("user:%d", i%5000)},
	}
}

// writers does b.N things by n goroutines.
func writers(b *testing.B, n int, do func(i int64) error) {
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range n {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				if err := do(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}

func BenchmarkCreate(b *testing.B) {
	for _, n := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprintf("writers=%d", n), func(b *testing.B) {
			s := open(b, fresh(b), Options{})
			writers(b, n, func(i int64) error {
				_, err := s.Create(b.Context(), token(i))
				return err
			})
		})
	}
}

// BenchmarkSwap is a refresh: one read, one swap, ids at random places of a store that already holds much.
func BenchmarkSwap(b *testing.B) {
	s := open(b, fresh(b), Options{})
	ids := fill(b, s, 100_000)
	for _, n := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d", n), func(b *testing.B) {
			writers(b, n, func(i int64) error {
				old, err := s.Get(b.Context(), kind, ids[i*7919%int64(len(ids))])
				if err != nil {
					return err
				}
				_, err = s.Swap(b.Context(), old, old)
				return err
			})
		})
	}
}

func BenchmarkGet(b *testing.B) {
	s := open(b, fresh(b), Options{})
	ids := fill(b, s, 100_000)
	for _, n := range []int{1, 64} {
		b.Run(fmt.Sprintf("readers=%d", n), func(b *testing.B) {
			writers(b, n, func(i int64) error {
				_, err := s.Get(b.Context(), kind, ids[i*7919%int64(len(ids))])
				return err
			})
		})
	}
}

func fill(b *testing.B, s *Store, n int64) []string {
	ids := make([]string, n)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 256 {
		wg.Go(func() {
			for i := next.Add(1); i <= n; i = next.Add(1) {
				r := token(i)
				ids[i-1] = r.ID
				if _, err := s.Create(b.Context(), r); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	return ids
}
