package protect

import (
	"fmt"
	"sync"
	"testing"
)

func TestACacheStaysWithinItsBounds(t *testing.T) {
	const size = 1000
	c := newCache[int](size)
	for i := range 50 * size {
		d := digestOf(fmt.Sprint(i))
		c.put(&d, i, 1000, 1)
	}
	if n := c.len(1); n > size*3/2 || n < size {
		t.Errorf("%d values are kept", n)
	}
	if n := c.len(1000); n != 0 {
		t.Errorf("%d values are kept past their end", n)
	}
}

func TestACacheHoldsWhatItWasMadeFor(t *testing.T) {
	const size = 10_000
	c := newCache[int](size)
	for i := range size {
		d := digestOf(fmt.Sprint(i))
		c.put(&d, i, 1000, 1)
	}
	held := 0
	for i := range size {
		d := digestOf(fmt.Sprint(i))
		if v, ok := c.get(&d, 1); ok {
			held++
			if v != i {
				t.Fatalf("%d is under the digest of %d", v, i)
			}
		}
	}
	if held < size*95/100 {
		t.Errorf("%d of %d are held", held, size)
	}
}

func TestAValueEndsInItsMillisecond(t *testing.T) {
	c := newCache[string](1)
	d := digestOf("a")
	c.put(&d, "a", 1000, 1)
	if _, ok := c.get(&d, 999); !ok {
		t.Error("ended too early")
	}
	if _, ok := c.get(&d, 1000); ok {
		t.Error("lives too long")
	}
}

func TestAValueIsReplaced(t *testing.T) {
	c := newCache[string](1)
	a := digestOf("a")
	c.put(&a, "old", 1000, 1)
	c.put(&a, "new", 1000, 1)
	if v, ok := c.get(&a, 1); !ok || v != "new" || c.len(1) != 1 {
		t.Errorf("got %q, %v of %d", v, ok, c.len(1))
	}
}

// What is in use stays when others come by once.
func TestWhatIsUsedStays(t *testing.T) {
	c := newCache[string](ways)
	hot := digestOf("hot")
	c.put(&hot, "hot", 1<<40, 1)
	for i := range 1000 {
		now := int64(i+1) * 1000
		d := digestOf(fmt.Sprint(i))
		c.put(&d, "cold", 1<<40, now)
		if _, ok := c.get(&hot, now+500); !ok {
			t.Fatalf("gone after %d others", i)
		}
	}
}

func TestACacheIsSharedByMany(t *testing.T) {
	c := newCache[int](100)
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 2000 {
				n := (i*7 + worker) % 300
				d := digestOf(fmt.Sprint(n))
				if v, ok := c.get(&d, 1); ok && v != n {
					t.Errorf("%d is under the digest of %d", v, n)
				}
				c.put(&d, n, 1000, 1)
			}
		})
	}
	all.Wait()
}

func TestLongTokensHaveDigestsToo(t *testing.T) {
	long := make([]byte, 5000)
	if digestOf(string(long)) == digestOf(string(long[:4999])) {
		t.Error("two tokens have one digest")
	}
}
