package account_test

import (
	"context"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/account"
)

func TestAHashVerifiesOnlyItsPassword(t *testing.T) {
	ctx := context.Background()
	h := account.NewHasher(cheap)
	phc, err := h.Hash(ctx, "secret")
	ok(t, err)
	if !strings.HasPrefix(phc, "$argon2id$v=19$m=8,t=1,p=1$") {
		t.Errorf("hash is %s", phc)
	}
	other, err := h.Hash(ctx, "secret")
	ok(t, err)
	if phc == other {
		t.Error("two hashes are alike")
	}
	for password, want := range map[string]bool{"secret": true, "Secret": false, "": false, "secret\x00": false} {
		match, rehash, err := h.Verify(ctx, phc, password)
		if match != want || rehash || err != nil {
			t.Errorf("%q: %v, %v, %v", password, match, rehash, err)
		}
	}
	ok(t, h.VerifyNothing(ctx))
}

func TestTheDefaultCost(t *testing.T) {
	phc, err := account.NewHasher(account.HasherConfig{}).Hash(context.Background(), "x")
	ok(t, err)
	if !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash is %s", phc)
	}
}

func TestAHashOfAnotherCostIsToBeMadeAgain(t *testing.T) {
	ctx := context.Background()
	phc, err := account.NewHasher(cheap).Hash(ctx, "secret")
	ok(t, err)
	dearer := cheap
	dearer.Time = 2
	h := account.NewHasher(dearer)
	match, rehash, err := h.Verify(ctx, phc, "secret")
	if !match || !rehash || err != nil {
		t.Errorf("right password: %v, %v, %v", match, rehash, err)
	}
	match, rehash, err = h.Verify(ctx, phc, "wrong")
	if match || rehash || err != nil {
		t.Errorf("wrong password: %v, %v, %v", match, rehash, err)
	}
}

const (
	testSalt = "AAAAAAAAAAAAAAAAAAAAAA"
	testKey  = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)

func TestForeignHashesAreErrors(t *testing.T) {
	h := account.NewHasher(cheap)
	for _, phc := range []string{
		"", "$", "plain", "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
		"$argon2i$v=19$m=8,t=1,p=1$" + testSalt + "$" + testKey,
		"$argon2d$v=19$m=8,t=1,p=1$" + testSalt + "$" + testKey,
		"$argon2id$v=16$m=8,t=1,p=1$" + testSalt + "$" + testKey,
		"$argon2id$m=8,t=1,p=1$" + testSalt + "$" + testKey,
		"$argon2id$v=19$m=262145,t=1,p=1$" + testSalt + "$" + testKey,
		"$argon2id$v=19$m=4294967304,t=1,p=1$" + testSalt + "$" + testKey,
		"$argon2id$v=19$m=8,t=17,p=1$" + testSalt + "$" + testKey,
		"$argon2id$v=19$m=8,t=0,p=1$" + testSalt + "$" + testKey,
		"$argon2id$v=19$m=256,t=1,p=17$" + testSalt + "$" + testKey,
		"$argon2id$v=19$m=256,t=1,p=257$" + testSalt + "$" + testKey,
		"$argon2id$v=19$m=8,t=1,p=0$" + testSalt + "$" + testKey,
		"$argon2id$v=19$m=8,t=1,p=2$" + testSalt + "$" + testKey,
		"$argon2id$v=19$m=08,t=1,p=1$" + testSalt + "$" + testKey,
		"$argon2id$v=19$m=+8,t=1,p=1$" + testSalt + "$" + testKey,
		"$argon2id$v=19$t=1,m=8,p=1$" + testSalt + "$" + testKey,
		"$argon2id$v=19$m=8,t=1,p=1,x=1$" + testSalt + "$" + testKey,
		"$argon2id$v=19$m=8,t=1,p=1$$" + testKey,
		"$argon2id$v=19$m=8,t=1,p=1$" + testSalt + "$",
		"$argon2id$v=19$m=8,t=1,p=1$" + testSalt + "$AAAA",
		"$argon2id$v=19$m=8,t=1,p=1$" + testSalt + "==$" + testKey,
		"$argon2id$v=19$m=8,t=1,p=1$" + testSalt + "\n$" + testKey,
		"$argon2id$v=19$m=8,t=1,p=1$" + testSalt + "$" + testKey + "$",
		"$argon2id$v=19$m=8,t=1,p=1$" + testSalt + "$" + strings.Repeat("A", 1<<20),
	} {
		match, rehash, err := h.Verify(context.Background(), phc, "secret")
		if match || rehash || err == nil {
			t.Errorf("%.80q: %v, %v, %v", phc, match, rehash, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("$argon2id$v=19$m=8,t=1,p=1$" + testSalt + "$" + testKey)
	f.Add("$argon2id$v=19$m=,t=,p=$$")
	h := account.NewHasher(cheap)
	f.Fuzz(func(t *testing.T, phc string) {
		if len(phc) > 300 || strings.Contains(phc, "m=2") {
			return // what is allowed but dear
		}
		if match, _, _ := h.Verify(context.Background(), phc, "secret"); match {
			t.Errorf("%q verifies", phc)
		}
	})
}

func TestUnreasonableCostsAreRefused(t *testing.T) {
	for _, c := range []account.HasherConfig{{MemoryKiB: 7}, {MemoryKiB: 256<<10 + 1}, {Time: 17}, {Parallelism: 17}, {MemoryKiB: 8, Parallelism: 2}} {
		if c.Validate() == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
	for _, c := range []account.HasherConfig{{}, cheap, {MemoryKiB: 256 << 10, Time: 16, Parallelism: 16}} {
		if err := c.Validate(); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestTheGateLetsFewInAndFewWait(t *testing.T) {
	ctx := context.Background()
	h := account.NewHasher(account.HasherConfig{MemoryKiB: 8, Time: 1, Concurrent: 2, Queue: 3})
	release := h.Occupy()
	waiters := make(chan error, 3)
	for range 3 {
		go func() { waiters <- h.VerifyNothing(ctx) }()
	}
	poll(t, func() bool { return h.Waiting() == 3 })
	wantErr(t, h.VerifyNothing(ctx), account.ErrBusy)
	_, err := h.Hash(ctx, "x")
	wantErr(t, err, account.ErrBusy)
	if h.Computed() != 0 {
		t.Error("someone passed a full gate")
	}
	release()
	for range 3 {
		ok(t, <-waiters)
	}
	ok(t, h.VerifyNothing(ctx))
	if h.Computed() != 4 || h.Waiting() != 0 {
		t.Errorf("%d computed, %d wait", h.Computed(), h.Waiting())
	}
}

func TestAWaiterLeavesWithItsContext(t *testing.T) {
	h := account.NewHasher(account.HasherConfig{MemoryKiB: 8, Time: 1, Concurrent: 1, Queue: 1})
	defer h.Occupy()()
	ctx, cancel := context.WithCancel(context.Background())
	left := make(chan error)
	go func() { left <- h.VerifyNothing(ctx) }()
	poll(t, func() bool { return h.Waiting() == 1 })
	cancel()
	wantErr(t, <-left, context.Canceled)
	if h.Waiting() != 0 {
		t.Error("it still waits")
	}
}
