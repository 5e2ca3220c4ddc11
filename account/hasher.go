package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/argon2"
)

// HasherConfig says what a password costs. Zero fields have the defaults: 19 MiB, 2 passes, 1 lane, two at once, 64
// waiting.
type HasherConfig struct {
	MemoryKiB   uint32
	Time        uint32
	Parallelism uint8
	Concurrent  int
	Queue       int
}

// What a password may cost at most, whether a configuration or a stored hash asks for it: a hash that was planted in the
// store must not be able to stop the server.
const (
	maxMemoryKiB   = 256 << 10
	maxTime        = 16
	maxParallelism = 16
	minMemoryLane  = 8 // KiB per lane, by RFC 9106
)

// errPHC says nothing about the hash, which must not reach a log.
var errPHC = errors.New("stored password hash is of an unknown form or has unreasonable parameters")

// Validate reports why passwords cannot be hashed at this cost.
func (c HasherConfig) Validate() error {
	c = c.withDefaults()
	if !sane(c.MemoryKiB, c.Time, c.Parallelism) {
		return fmt.Errorf("argon2id: memory %d KiB, %d passes, %d lanes: at most %d KiB, %d, %d, and at least %d KiB a lane",
			c.MemoryKiB, c.Time, c.Parallelism, maxMemoryKiB, maxTime, maxParallelism, minMemoryLane)
	}
	return nil
}

func (c HasherConfig) withDefaults() HasherConfig {
	if c.MemoryKiB == 0 {
		c.MemoryKiB = 19456
	}
	if c.Time == 0 {
		c.Time = 2
	}
	if c.Parallelism == 0 {
		c.Parallelism = 1
	}
	if c.Concurrent <= 0 {
		c.Concurrent = 2
	}
	if c.Queue <= 0 {
		c.Queue = 64
	}
	return c
}

func sane(memory, time uint32, lanes uint8) bool {
	return time >= 1 && time <= maxTime && lanes >= 1 && lanes <= maxParallelism &&
		memory >= minMemoryLane*uint32(lanes) && memory <= maxMemoryKiB
}

// Hasher hashes and verifies passwords by argon2id, few at a time: each costs memory and a core, and guesses must not
// take the server away from everybody else.
type Hasher struct {
	config  HasherConfig
	running chan struct{}
	waiting atomic.Int64
	done    atomic.Int64
	nothing phc
}

// Computed tells how many passwords have been hashed or verified, for metrics.
func (h *Hasher) Computed() int64 { return h.done.Load() }

// NewHasher gives a hasher of this cost. A configuration that Validate refuses hashes at the default cost.
func NewHasher(c HasherConfig) *Hasher {
	if c.Validate() != nil {
		c.MemoryKiB, c.Time, c.Parallelism = 0, 0, 0
	}
	c = c.withDefaults()
	h := &Hasher{config: c, running: make(chan struct{}, c.Concurrent)}
	h.nothing = h.fresh()
	h.nothing.key = make([]byte, keyBytes)
	return h
}

// Hash gives the PHC string of a password. ErrBusy.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	p := h.fresh()
	key, err := h.compute(ctx, p, password)
	if err != nil {
		return "", err
	}
	p.key = key
	return p.String(), nil
}

// Verify tells whether a password is that of a PHC string, and whether it should be hashed again at today's cost.
// ErrBusy; an error for a PHC string that is not ours.
func (h *Hasher) Verify(ctx context.Context, stored, password string) (match, rehash bool, err error) {
	p, err := parsePHC(stored)
	if err != nil {
		return false, false, err
	}
	key, err := h.compute(ctx, p, password)
	if err != nil {
		return false, false, err
	}
	match = subtle.ConstantTimeCompare(key, p.key) == 1
	return match, match && !h.current(p), nil
}

// Outdated tells whether a PHC string was made at another cost than today's.
func (h *Hasher) Outdated(stored string) bool {
	p, err := parsePHC(stored)
	return err == nil && !h.current(p)
}

// VerifyNothing costs what Verify costs and says nothing, for someone who does not exist. ErrBusy.
func (h *Hasher) VerifyNothing(ctx context.Context) error {
	key, err := h.compute(ctx, h.nothing, "")
	subtle.ConstantTimeCompare(key, h.nothing.key)
	return err
}

// compute waits for its turn, and hashes.
func (h *Hasher) compute(ctx context.Context, p phc, password string) ([]byte, error) {
	if err := h.enter(ctx); err != nil {
		return nil, err
	}
	defer func() { <-h.running }()
	h.done.Add(1)
	return argon2.IDKey([]byte(password), p.salt, p.time, p.memory, p.lanes, uint32(len(p.key))), nil
}

func (h *Hasher) enter(ctx context.Context) error {
	select {
	case h.running <- struct{}{}:
		return nil
	default:
	}
	defer h.waiting.Add(-1)
	if h.waiting.Add(1) > int64(h.config.Queue) {
		return ErrBusy
	}
	select {
	case h.running <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait to check a password: %w", ctx.Err())
	}
}

// phc is a parsed hash: $argon2id$v=19$m=19456,t=2,p=1$salt$key
type phc struct {
	memory, time uint32
	lanes        uint8
	salt, key    []byte
}

const (
	saltBytes = 16
	keyBytes  = 32
)

var phcEncoding = base64.RawStdEncoding.Strict()

func (h *Hasher) fresh() phc {
	p := phc{memory: h.config.MemoryKiB, time: h.config.Time, lanes: h.config.Parallelism,
		salt: make([]byte, saltBytes), key: make([]byte, keyBytes)}
	_, _ = rand.Read(p.salt) // never fails
	return p
}

func (h *Hasher) current(p phc) bool {
	return p.memory == h.config.MemoryKiB && p.time == h.config.Time && p.lanes == h.config.Parallelism &&
		len(p.salt) >= saltBytes && len(p.key) == keyBytes
}

func (p phc) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.time, p.lanes,
		phcEncoding.EncodeToString(p.salt), phcEncoding.EncodeToString(p.key))
}

// maxPHC bounds what is looked at: the longest salt and key that are accepted fit.
const maxPHC = 256

// parsePHC accepts exactly what String writes.
func parsePHC(s string) (phc, error) {
	if len(s) > maxPHC {
		return phc{}, errPHC
	}
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return phc{}, errPHC
	}
	p, err := parseCost(parts[3])
	if err != nil {
		return phc{}, err
	}
	salt, saltErr := phcEncoding.DecodeString(parts[4])
	key, keyErr := phcEncoding.DecodeString(parts[5])
	if saltErr != nil || keyErr != nil || len(salt) < 8 || len(salt) > 64 || len(key) < 16 || len(key) > 64 {
		return phc{}, errPHC
	}
	p.salt, p.key = salt, key
	if p.String() != s {
		return phc{}, errPHC
	}
	return p, nil
}

func parseCost(s string) (phc, error) {
	fields := strings.Split(s, ",")
	if len(fields) != 3 {
		return phc{}, errPHC
	}
	var n [3]uint64
	for i, prefix := range []string{"m=", "t=", "p="} {
		digits, ok := strings.CutPrefix(fields[i], prefix)
		v, err := strconv.ParseUint(digits, 10, 31)
		if !ok || err != nil {
			return phc{}, errPHC
		}
		n[i] = v
	}
	if n[2] > maxParallelism || !sane(uint32(n[0]), uint32(n[1]), uint8(n[2])) {
		return phc{}, errPHC
	}
	return phc{memory: uint32(n[0]), time: uint32(n[1]), lanes: uint8(n[2])}, nil
}
