package main

import (
	"context"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
)

// recordsAtOnce is how many records are read from the store at a time.
const recordsAtOnce = 500

// everyClient visits all clients of the store, page by page.
func (a *app) everyClient(ctx context.Context, visit func(*oauth.Client) error) error {
	return everyRecord(ctx, a.provider.Clients, visit)
}

// everyUser visits all users of the store, page by page.
func (a *app) everyUser(ctx context.Context, visit func(*account.User) error) error {
	return everyRecord(ctx, a.directory.Users, visit)
}

func everyRecord[T any](ctx context.Context, list func(ctx context.Context, cursor string, limit int) ([]*T, string, error), visit func(*T) error) error {
	for cursor := ""; ; {
		page, next, err := list(ctx, cursor, recordsAtOnce)
		if err != nil {
			return err
		}
		for _, one := range page {
			if err := visit(one); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		cursor = next
	}
}
