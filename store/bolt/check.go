package bolt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"

	"go.etcd.io/bbolt"
)

// The check reads the whole tree by ordinary reads, so that a file that is short, torn or overwritten ends in an error:
// bbolt would fault on the mapped memory, in a goroutine that nobody can recover. The layout is that of bbolt 1.x, in the
// byte order of the machine:
//
//	page     id 8, flags 2, count 2, overflow 4, then the elements
//	branch   position 4, key size 4, page 8
//	leaf     flags 4, position 4, key size 4, value size 4
//	bucket   root page 8 (0: a leaf page follows inline), sequence 8
//	meta     page header, then magic 4 ... freelist at 32, pages at 40, transaction at 48
const (
	pageHead     = 16
	elementSize  = 16
	bucketHead   = 16
	flagBranch   = 0x01
	flagLeaf     = 0x02
	flagBucket   = 0x01
	metaFreelist = pageHead + 32
	metaTx       = pageHead + 48
	metaEnd      = pageHead + 64
	noFreelist   = ^uint64(0)
	maxDepth     = 64
)

var native = binary.NativeEndian

type checker struct {
	file  io.ReaderAt
	size  int    // of a page
	pages uint64 // in use, counted from the start of the file
	seen  []uint64

	unsealed error // the first value whose checksum is wrong
}

// checkFile reports what is wrong with the tree of the state that tx sees, and apart from that the first value in it
// whose checksum is wrong.
func checkFile(tx *bbolt.Tx, file *os.File, size int) (unsealed, err error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() < tx.Size() {
		return nil, fmt.Errorf("it has %d bytes of %d: its end is missing", info.Size(), tx.Size())
	}
	warm(file, tx.Size())
	c := &checker{file: file, size: size, pages: uint64(tx.Size()) / uint64(size)}
	c.seen = make([]uint64, c.pages/64+1)
	if err := c.tree(uint64(tx.Cursor().Bucket().RootPage()), 0, nil, nil); err != nil {
		return nil, err
	}
	return c.unsealed, c.freelist(tx)
}

// warm reads the file once from front to end, which a disk does much faster than what follows.
func warm(file *os.File, size int64) {
	_, _ = io.CopyBuffer(struct{ io.Writer }{io.Discard}, io.NewSectionReader(file, 0, size), make([]byte, 1<<20)) // what cannot be read is met again
}

// freelist checks the list of free pages if the file has one. Ours have none, copies by other tools may.
func (c *checker) freelist(tx *bbolt.Tx) error {
	meta := make([]byte, metaEnd)
	for i := range int64(2) {
		if _, err := c.file.ReadAt(meta, i*int64(c.size)); err != nil {
			return err
		}
		if native.Uint64(meta[metaTx:]) == uint64(tx.ID()) && native.Uint64(meta[metaFreelist:]) == noFreelist {
			return nil
		}
	}
	var first error
	for err := range tx.Check() {
		if first == nil {
			first = err
		}
	}
	return first
}

// tree checks the page id and what hangs below it; all keys lie in [low, high), nil for unbounded.
func (c *checker) tree(id uint64, depth int, low, high []byte) error {
	if depth > maxDepth {
		return fmt.Errorf("page %d: the tree is too deep", id)
	}
	page, err := c.page(id)
	if err != nil {
		return err
	}
	switch flags := native.Uint16(page[8:]); flags {
	case flagBranch:
		return c.branch(page, depth, low, high)
	case flagLeaf:
		return c.leaf(page, depth, low, high)
	default:
		return fmt.Errorf("page %d: unknown kind %#x", id, flags)
	}
}

// page reads a page with its overflow, once.
func (c *checker) page(id uint64) ([]byte, error) {
	if id < 2 || id >= c.pages {
		return nil, fmt.Errorf("page %d: beyond the %d pages in use", id, c.pages)
	}
	head := make([]byte, c.size)
	if _, err := c.file.ReadAt(head, int64(id)*int64(c.size)); err != nil {
		return nil, fmt.Errorf("page %d: %w", id, err)
	}
	overflow := uint64(native.Uint32(head[12:]))
	if native.Uint64(head) != id || id+overflow >= c.pages {
		return nil, fmt.Errorf("page %d: overwritten", id)
	}
	for i := id; i <= id+overflow; i++ {
		if c.seen[i/64]&(1<<(i%64)) != 0 {
			return nil, fmt.Errorf("page %d: used twice", i)
		}
		c.seen[i/64] |= 1 << (i % 64)
	}
	if overflow == 0 {
		return head, nil
	}
	whole := make([]byte, int(overflow+1)*c.size)
	if _, err := c.file.ReadAt(whole, int64(id)*int64(c.size)); err != nil {
		return nil, fmt.Errorf("page %d: %w", id, err)
	}
	return whole, nil
}

func (c *checker) branch(page []byte, depth int, low, high []byte) error {
	id, count := native.Uint64(page), int(native.Uint16(page[10:]))
	if count == 0 {
		return fmt.Errorf("page %d: a branch without children", id)
	}
	keys := make([][]byte, count+1)
	end := pageHead + count*elementSize
	for i := range count {
		key, _, err := element(page, i, &end, 0, 4, 0)
		if err != nil {
			return fmt.Errorf("page %d: %w", id, err)
		}
		keys[i] = key
	}
	keys[count] = high
	if err := ordered(keys[:count], low, high); err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	for i := range count {
		child := native.Uint64(page[pageHead+i*elementSize+8:])
		if err := c.tree(child, depth+1, keys[i], keys[i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) leaf(page []byte, depth int, low, high []byte) error {
	id, count := native.Uint64(page), int(native.Uint16(page[10:]))
	keys := make([][]byte, count)
	end := pageHead + count*elementSize
	for i := range count {
		key, value, err := element(page, i, &end, 4, 8, 12)
		if err != nil {
			return fmt.Errorf("page %d: %w", id, err)
		}
		keys[i] = key
		if native.Uint32(page[pageHead+i*elementSize:])&flagBucket == 0 {
			c.value(id, key, value)
			continue
		}
		if err := c.bucket(value, depth); err != nil {
			return fmt.Errorf("page %d: bucket %q: %w", id, key, err)
		}
	}
	if err := ordered(keys, low, high); err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	return nil
}

func (c *checker) value(page uint64, key, sealed []byte) {
	if _, whole := unseal(key, sealed); !whole && c.unsealed == nil {
		c.unsealed = fmt.Errorf("page %d: %w", page, errSeal)
	}
}

func (c *checker) bucket(value []byte, depth int) error {
	if len(value) < bucketHead {
		return fmt.Errorf("%d bytes", len(value))
	}
	if root := native.Uint64(value); root != 0 {
		return c.tree(root, depth+1, nil, nil)
	}
	inline := value[bucketHead:]
	if len(inline) < pageHead || native.Uint16(inline[8:]) != flagLeaf {
		return fmt.Errorf("no page within")
	}
	return c.leaf(inline, depth+1, nil, nil)
}

// element gives key and value of element i, whose position and sizes stand at the given places; value size at 0: none.
// What it holds begins where that of the element before ended: so a wrong number of elements is seen as well.
func element(page []byte, i int, end *int, posAt, keyAt, valueAt int) (key, value []byte, err error) {
	start := pageHead + i*elementSize
	if start+elementSize > len(page) {
		return nil, nil, fmt.Errorf("element %d lies outside", i)
	}
	e := page[start : start+elementSize]
	keyStart := uint64(start) + uint64(native.Uint32(e[posAt:]))
	keyEnd := keyStart + uint64(native.Uint32(e[keyAt:]))
	valueEnd := keyEnd
	if valueAt > 0 {
		valueEnd += uint64(native.Uint32(e[valueAt:]))
	}
	if keyEnd == keyStart || keyStart != uint64(*end) || valueEnd > uint64(len(page)) {
		return nil, nil, fmt.Errorf("element %d lies outside", i)
	}
	*end = int(valueEnd)
	return page[keyStart:keyEnd], page[keyEnd:valueEnd], nil
}

func ordered(keys [][]byte, low, high []byte) error {
	for i, key := range keys {
		if i > 0 && bytes.Compare(keys[i-1], key) >= 0 {
			return fmt.Errorf("key %d is out of order", i)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	if bytes.Compare(keys[0], low) < 0 || (high != nil && bytes.Compare(keys[len(keys)-1], high) >= 0) {
		return fmt.Errorf("keys outside of their page's range")
	}
	return nil
}
