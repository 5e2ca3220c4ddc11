package api

import "context"

// counted says how many there are on all pages.
func (p Page[T]) counted(n int) Page[T] {
	p.Total = &n
	return p
}

// pageOf makes a page of the values of the rules.
func pageOf[From, To any](values []From, next string, show func(From) To) Page[To] {
	p := Page[To]{Items: []To{}, NextCursor: next}
	for _, v := range values {
		p.Items = append(p.Items, show(v))
	}
	return p
}

// listed answers with a page, and with a link to the next one: the same question with another cursor.
func listed[T any](ctx context.Context, s *service, p Page[T]) *many[T] {
	if p.NextCursor == "" {
		return &many[T]{Body: p}
	}
	asked := exchangeFrom(ctx).request.URL
	query := asked.Query()
	query.Set("cursor", p.NextCursor)
	return &many[T]{Link: "<" + s.base + Path + asked.EscapedPath() + "?" + query.Encode() + `>; rel="next"`, Body: p}
}
