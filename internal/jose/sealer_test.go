package jose

import (
	"bytes"
	"errors"
	"testing"
)

func TestSealedOpensOnlyWithKeyAndPurpose(t *testing.T) {
	s := must(NewSealer(bytes.Repeat([]byte{1}, MasterSize)))
	other := must(NewSealer(bytes.Repeat([]byte{2}, MasterSize)))
	for _, plain := range []string{"", "x", "a private key"} {
		sealed := must(s.Seal("keys", []byte(plain)))
		if got, err := s.Open("keys", sealed); err != nil || string(got) != plain {
			t.Errorf("Open = %q, %v", got, err)
		}
		if plain != "" && bytes.Contains(sealed, []byte("private")) {
			t.Error("sealed text is legible")
		}
		for name, open := range map[string]func() ([]byte, error){
			"another master key": func() ([]byte, error) { return other.Open("keys", sealed) },
			"another purpose":    func() ([]byte, error) { return s.Open("key", sealed) },
			"no purpose":         func() ([]byte, error) { return s.Open("", sealed) },
			"longer":             func() ([]byte, error) { return s.Open("keys", append(bytes.Clone(sealed), 0)) },
			"nothing":            func() ([]byte, error) { return s.Open("keys", nil) },
		} {
			if got, err := open(); !errors.Is(err, ErrSealed) || got != nil {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
		for i := range sealed {
			damaged := bytes.Clone(sealed)
			damaged[i] ^= 1
			if _, err := s.Open("keys", damaged); !errors.Is(err, ErrSealed) {
				t.Errorf("byte %d damaged: %v", i, err)
			}
			if _, err := s.Open("keys", sealed[:i]); !errors.Is(err, ErrSealed) {
				t.Errorf("cut to %d bytes: %v", i, err)
			}
		}
	}
}

func TestSealingTwiceDiffers(t *testing.T) {
	s := must(NewSealer(make([]byte, MasterSize)))
	if bytes.Equal(must(s.Seal("keys", []byte("x"))), must(s.Seal("keys", []byte("x")))) {
		t.Error("two seals are equal")
	}
}

func TestMasterKeyHasOneSize(t *testing.T) {
	for _, size := range []int{0, 16, 31, 33, 64} {
		if _, err := NewSealer(make([]byte, size)); err == nil {
			t.Errorf("a master key of %d bytes was accepted", size)
		}
	}
	master := bytes.Repeat([]byte{1}, MasterSize)
	s := must(NewSealer(master))
	sealed := must(s.Seal("keys", []byte("x")))
	clear(master) // the caller may wipe its copy
	if _, err := s.Open("keys", sealed); err != nil {
		t.Error(err)
	}
}
