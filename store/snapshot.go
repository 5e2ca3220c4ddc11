package store

import "context"

// Snapshot gives all values of the kind in the order of their ids: own writes at once, those of other nodes within a
// second. The slice and the values are shared and must not be changed.
func (c *Cache[T]) Snapshot(ctx context.Context) ([]*T, error) {
	values := []*T{}
	err := c.Collection.All(ctx, "", func(v *T) error {
		values = append(values, v)
		return nil
	})
	return values, err
}
