package redis

import "github.com/grantor-dev/grantor/store"

// keys names everything that lies in Redis. The part in braces decides the node of a Cluster. No name can be another's,
// whatever an id or a tag contains: kinds have neither ':' nor '/' nor braces, and an id or a tag follows at a known place.
//
//	r:{kind}:id     record of a small kind          r:kind:id      record of a spread kind
//	i:{kind}        index of all its records
//	i:{kind}:tag    index of a tag                  i:{kind/tag}   index of a tag
//	                c:kind:id  counter
//
// Each index i: is a sorted set in the order of ids, and has a sister x: which knows when entries were made and end. A tag
// with braces may cut {kind/tag} short, for both sisters in the same way.
type keys struct{ prefix string }

func (k keys) record(kind store.Kind, id string) string {
	if kind.Spread {
		return k.prefix + "r:" + kind.Name + ":" + id
	}
	return k.prefix + "r:{" + kind.Name + "}:" + id
}

func (k keys) counter(kind store.Kind, id string) string {
	return k.prefix + "c:" + kind.Name + ":" + id
}

// tag gives the index of a tag and its sister; the empty tag of a small kind has all its records.
func (k keys) tag(kind store.Kind, tag string) (index, ends string) {
	name := "{" + kind.Name + "}"
	switch {
	case kind.Spread:
		name = "{" + kind.Name + "/" + tag + "}"
	case tag != "":
		name += ":" + tag
	}
	return k.prefix + "i:" + name, k.prefix + "x:" + name
}

// index gives the pairs of sisters that a record with these tags belongs to.
func (k keys) index(kind store.Kind, tags []string) []string {
	var pairs []string
	if !kind.Spread {
		index, ends := k.tag(kind, "")
		pairs = append(pairs, index, ends)
	}
	for _, tag := range tags {
		index, ends := k.tag(kind, tag)
		pairs = append(pairs, index, ends)
	}
	return pairs
}
