package store_test

import (
	"context"
	"testing"

	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/memory"
)

func BenchmarkWatched(b *testing.B) {
	bare := memory.New()
	for name, backend := range map[string]store.Backend{
		"bare": bare, "watched": &store.Watched{Backend: bare, Done: func(context.Context, store.Operation) {}},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = backend.Get(b.Context(), store.Kind{Name: "thing"}, "none")
			}
		})
	}
}
