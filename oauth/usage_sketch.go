package oauth

import (
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"math/bits"
	"slices"
)

// sketch counts how many different ids it was told of, without keeping them: exactly up to sketchExact, beyond that by
// HyperLogLog with a standard error of 2.3 %. Sketches of several nodes and hours can be merged. The zero value is empty.
type sketch struct {
	hashes    map[uint32]struct{}
	registers []byte // sketchSize of them, nil while hashes are few
}

const (
	sketchBits  = 11
	sketchSize  = 1 << sketchBits
	sketchExact = 256
)

// hashID gives every node the same 32 bits of an id: FNV-1a, whose high bits are mixed as MurmurHash3 does.
func hashID(id string) uint32 {
	h := uint64(14695981039346656037)
	for i := range len(id) {
		h = (h ^ uint64(id[i])) * 1099511628211
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return uint32(h >> 32)
}

// add reports whether the sketch changed.
func (s *sketch) add(hash uint32) bool {
	if s.registers != nil {
		return s.raise(hash>>(32-sketchBits), rank(hash))
	}
	if _, known := s.hashes[hash]; known {
		return false
	}
	if s.hashes == nil {
		s.hashes = map[uint32]struct{}{}
	}
	s.hashes[hash] = struct{}{}
	if len(s.hashes) > sketchExact {
		s.registers = make([]byte, sketchSize)
		for h := range s.hashes {
			s.raise(h>>(32-sketchBits), rank(h))
		}
		s.hashes = nil
	}
	return true
}

// rank is the place of the first one-bit behind those that choose the register.
func rank(hash uint32) byte {
	return byte(min(bits.LeadingZeros32(hash<<sketchBits), 32-sketchBits) + 1)
}

func (s *sketch) raise(register uint32, rank byte) bool {
	if s.registers[register] >= rank {
		return false
	}
	s.registers[register] = rank
	return true
}

// merge takes in what another sketch was told, and reports whether this one changed.
func (s *sketch) merge(other *sketch) (changed bool) {
	for hash := range other.hashes {
		changed = s.add(hash) || changed
	}
	if other.registers == nil {
		return changed
	}
	if s.registers == nil {
		few := s.hashes
		*s = sketch{registers: make([]byte, sketchSize)}
		for hash := range few {
			s.add(hash)
		}
		changed = true
	}
	for i, rank := range other.registers {
		changed = s.raise(uint32(i), rank) || changed
	}
	return changed
}

func (s *sketch) clone() sketch {
	return sketch{maps.Clone(s.hashes), slices.Clone(s.registers)}
}

// count estimates how many ids there were (Flajolet and others, 2007).
func (s *sketch) count() int64 {
	if s.registers == nil {
		return int64(len(s.hashes))
	}
	const m = sketchSize
	sum, empty := 0.0, 0
	for _, rank := range s.registers {
		sum += math.Ldexp(1, -int(rank))
		if rank == 0 {
			empty++
		}
	}
	estimate := 0.7213 / (1 + 1.079/float64(m)) * m * m / sum
	if estimate <= 2.5*m && empty > 0 {
		estimate = m * math.Log(m/float64(empty))
	}
	return int64(math.Round(estimate))
}

// The first byte of a stored sketch.
const (
	sketchOfHashes    = 'h'
	sketchOfRegisters = 'r'
)

var errSketch = errors.New("stored sketch is damaged")

// MarshalBinary gives the form in which a record keeps the sketch.
func (s *sketch) MarshalBinary() ([]byte, error) {
	if s.registers != nil {
		return append([]byte{sketchOfRegisters}, s.registers...), nil
	}
	b := []byte{sketchOfHashes}
	for _, hash := range slices.Sorted(maps.Keys(s.hashes)) {
		b = binary.BigEndian.AppendUint32(b, hash)
	}
	return b, nil
}

// UnmarshalBinary reads what MarshalBinary gave.
func (s *sketch) UnmarshalBinary(b []byte) error {
	*s = sketch{}
	switch {
	case len(b) == 0:
		return nil
	case b[0] == sketchOfRegisters && len(b) == 1+sketchSize:
		s.registers = slices.Clone(b[1:])
		return nil
	case b[0] != sketchOfHashes || len(b)%4 != 1:
		return errSketch
	}
	for part := range slices.Chunk(b[1:], 4) {
		s.add(binary.BigEndian.Uint32(part))
	}
	return nil
}
