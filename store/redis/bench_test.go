package redis

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/store"
)

// BenchmarkVerbs measures the verbs of the token path beside a bare SET and GET of the same size by the same client.
func BenchmarkVerbs(b *testing.B) {
	s, err := Open(b.Context(), redistest.Start(b), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	var n atomic.Int64
	value := make([]byte, 400)
	fresh := func(tags ...string) store.Record {
		return store.Record{Kind: hot, ID: fmt.Sprintf("%016d", n.Add(1)), Value: value, Tags: tags, Expires: time.Now().Add(time.Hour)}
	}
	ctx := b.Context()
	read := fresh()
	if _, err := s.Create(ctx, read); err != nil {
		b.Fatal(err)
	}
	for _, bench := range []struct {
		name string
		verb func() error
	}{
		{"floor/SET", func() error { return s.client.Set(ctx, fresh().ID, value, time.Hour).Err() }},
		{"create", func() error { _, err := s.Create(ctx, fresh()); return err }},
		{"create+2tags", func() error {
			r := fresh()
			r.Tags = []string{"user:" + r.ID[12:], "client:1"}
			_, err := s.Create(ctx, r)
			return err
		}},
		{"create+swap", func() error {
			r := fresh()
			var err error
			if r.Version, err = s.Create(ctx, r); err == nil {
				_, err = s.Swap(ctx, r, r)
			}
			return err
		}},
		{"create+take", func() error {
			r := fresh()
			_, err := s.Create(ctx, r)
			if err == nil {
				_, err = s.Take(ctx, hot, r.ID)
			}
			return err
		}},
		{"add", func() error { _, err := s.Add(ctx, hot, "counter", 1, time.Hour); return err }},
		{"floor/GET", func() error { return s.client.Get(ctx, s.keys.record(hot, read.ID)).Err() }},
		{"get", func() error { _, err := s.Get(ctx, hot, read.ID); return err }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.SetParallelism(16)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := bench.verb(); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
