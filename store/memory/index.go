package memory

import (
	"cmp"
	"slices"
	"sync"
)

// ordered is a sorted set of ids, cut into pieces so that an insert moves little memory. No piece is empty.
type ordered struct{ pieces [][]string }

const pieceSize = 512

// piece finds the piece in which an id is, or belongs.
func (o *ordered) piece(id string) int {
	i, _ := slices.BinarySearchFunc(o.pieces, id, func(p []string, id string) int {
		return cmp.Compare(p[len(p)-1], id)
	})
	return min(i, len(o.pieces)-1)
}

func (o *ordered) insert(id string) {
	if len(o.pieces) == 0 {
		o.pieces = [][]string{{id}}
		return
	}
	p := o.piece(id)
	at, found := slices.BinarySearch(o.pieces[p], id)
	if found {
		return
	}
	o.pieces[p] = slices.Insert(o.pieces[p], at, id)
	if len(o.pieces[p]) > pieceSize {
		upper := slices.Clone(o.pieces[p][pieceSize/2:])
		o.pieces[p] = slices.Clip(o.pieces[p][:pieceSize/2])
		o.pieces = slices.Insert(o.pieces, p+1, upper)
	}
}

func (o *ordered) remove(id string) {
	if len(o.pieces) == 0 {
		return
	}
	p := o.piece(id)
	at, found := slices.BinarySearch(o.pieces[p], id)
	if !found {
		return
	}
	o.pieces[p] = slices.Delete(o.pieces[p], at, at+1)
	if len(o.pieces[p]) == 0 {
		o.pieces = slices.Delete(o.pieces, p, p+1)
	}
}

// after returns up to limit ids behind cursor, and whether there are more.
func (o *ordered) after(cursor string, limit int) (ids []string, more bool) {
	if len(o.pieces) == 0 {
		return nil, false
	}
	first := o.piece(cursor)
	for _, piece := range o.pieces[first:] {
		from, found := slices.BinarySearch(piece, cursor)
		if found {
			from++
		}
		for _, id := range piece[from:] {
			if len(ids) == limit {
				return ids, true
			}
			ids = append(ids, id)
		}
	}
	return ids, false
}

// index holds the ids under each tag; every record of a kind that is not spread is also under the empty tag.
type index struct {
	mu  sync.RWMutex
	ids map[key]*ordered
}

func (s *Store) ids(k key, cursor string, limit int) ([]string, bool) {
	ix := &s.index[s.place(k)]
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	o, ok := ix.ids[k]
	if !ok {
		return nil, false
	}
	return o.after(cursor, limit)
}

func (s *Store) enter(k key, id string) {
	ix := &s.index[s.place(k)]
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if ix.ids[k] == nil {
		ix.ids[k] = new(ordered)
	}
	ix.ids[k].insert(id)
}

func (s *Store) leave(k key, id string) {
	ix := &s.index[s.place(k)]
	ix.mu.Lock()
	defer ix.mu.Unlock()
	o, ok := ix.ids[k]
	if !ok {
		return
	}
	o.remove(id)
	if len(o.pieces) == 0 {
		delete(ix.ids, k)
	}
}
