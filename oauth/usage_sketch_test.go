package oauth

import (
	"bytes"
	"fmt"
	"math"
	"testing"
)

func sketchOf(from, to int) *sketch {
	s := &sketch{}
	for i := from; i < to; i++ {
		s.add(hashID(fmt.Sprintf("usr_%032d", i)))
	}
	return s
}

func TestSketchesCountExactlyWhileFewAndCloselyBeyond(t *testing.T) {
	for _, n := range []int{0, 1, 2, sketchExact - 1, sketchExact, sketchExact + 1, 1000, 5000, 5500, 20_000, 300_000} {
		got, bound := sketchOf(0, n).count(), 0.0
		if n > sketchExact {
			bound = 4 * 0.023 * float64(n)
		}
		if math.Abs(float64(got)-float64(n)) > bound {
			t.Errorf("%d are counted as %d", n, got)
		}
	}
}

func TestMergedSketchesAreThoseOfAll(t *testing.T) {
	for _, at := range [][3]int{{0, 100, 150}, {0, 200, 300}, {0, 250, 600}, {0, 5000, 6000}, {0, 0, 10}, {0, 10, 10}} {
		whole, one, two := sketchOf(at[0], at[2]), sketchOf(at[0], at[1]), sketchOf(at[1]/2, at[2])
		want, _ := whole.MarshalBinary()
		for _, order := range [][2]*sketch{{one, two}, {two, one}} {
			merged := order[0].clone()
			merged.merge(order[1])
			got, _ := merged.MarshalBinary()
			if !bytes.Equal(got, want) {
				t.Errorf("%v: %d, want %d", at, merged.count(), whole.count())
			}
			if merged.merge(one) || merged.merge(two) {
				t.Errorf("%v: merging again changes something", at)
			}
			var read sketch
			if err := read.UnmarshalBinary(got); err != nil || read.count() != whole.count() {
				t.Errorf("%v: read back as %d, %v", at, read.count(), err)
			}
		}
	}
}

func TestDamagedSketchesAreRefused(t *testing.T) {
	for _, b := range [][]byte{{'x'}, {'h', 1}, {'h', 1, 2, 3}, {'r'}, make([]byte, sketchSize), append([]byte{'r'}, make([]byte, sketchSize+1)...)} {
		var s sketch
		if err := s.UnmarshalBinary(b); err == nil {
			t.Errorf("%d bytes were read", len(b))
		}
	}
}
