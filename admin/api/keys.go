package api

import (
	"context"
	"errors"
	"slices"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
)

func (s *service) listKeys(context.Context, *struct{}) (*plain[Page[Key]], error) {
	keys := s.Keys.Status()
	return &plain[Page[Key]]{pageOf(keys, "", func(k oauth.KeyStatus) Key { return Key(k) }).counted(len(keys))}, nil
}

func (s *service) rotateKeys(ctx context.Context, in *rotateKeysIn) (*plain[Page[Key]], error) {
	which, err := in.value()
	if err != nil {
		return nil, err
	}
	uses := func(k oauth.KeyStatus) bool { return k.Algorithm == which.Algorithm }
	if which.Algorithm != "" && !slices.ContainsFunc(s.Keys.Status(), uses) {
		return nil, invalid.faulty(Fault{Pointer: "/algorithm", Detail: "There is no key of this algorithm, since no client uses one."})
	}
	rotate := s.Keys.Rotate
	if which.Force {
		rotate = s.Keys.RotateNow
	}
	if err := rotate(ctx, which.Algorithm); err != nil {
		return nil, err
	}
	if err := s.Audit.Record(ctx, account.Event{Action: "key.rotated", Object: "key:" + nameOf(which.Algorithm)}); err != nil {
		return nil, err
	}
	return s.listKeys(ctx, &struct{}{})
}

// nameOf names an algorithm as the audit log does.
func nameOf(a jose.Algorithm) string {
	if a == "" {
		return "all"
	}
	return string(a)
}

func (s *service) withdrawKeys(ctx context.Context, in *withdrawKeysIn) (*plain[Page[Key]], error) {
	which, err := in.value()
	if err != nil {
		return nil, err
	}
	switch {
	case which.All == (which.ID != ""):
		return nil, invalid.faulty(Fault{Pointer: "/id", Detail: "Name one key, or say that all are meant."})
	case which.ID != "" && which.Algorithm != "":
		return nil, invalid.faulty(Fault{Pointer: "/algorithm", Detail: "A key has its algorithm: name one only where all of its keys are meant."})
	case which.ID != "":
		err = s.withdrawKey(ctx, which.ID)
	default:
		err = s.withdrawAllKeys(ctx, which.Algorithm)
	}
	if err != nil {
		return nil, err
	}
	return s.listKeys(ctx, &struct{}{})
}

func (s *service) withdrawKey(ctx context.Context, id string) error {
	gone, err := s.Keys.Withdraw(ctx, id)
	if errors.Is(err, oauth.ErrNoSuchKey) {
		return invalid.faulty(Fault{Pointer: "/id", Detail: "There is no such key: it has ended, or was withdrawn already."})
	}
	if err != nil {
		return err
	}
	return s.Audit.Record(ctx, oauth.KeyWithdrawn(gone))
}

// withdrawAllKeys withdraws those of one algorithm, the empty one meaning each that there is.
func (s *service) withdrawAllKeys(ctx context.Context, a jose.Algorithm) error {
	plans := s.Keys.Plans()
	if a != "" {
		plans = slices.DeleteFunc(plans, func(p oauth.RotationPlan) bool { return p.Algorithm != a })
	}
	if len(plans) == 0 {
		return invalid.faulty(Fault{Pointer: "/algorithm", Detail: "There is no key of this algorithm, since no client uses one."})
	}
	for _, p := range plans {
		gone, err := s.Keys.WithdrawAll(ctx, p.Algorithm)
		if err != nil {
			return err
		}
		if err := s.Audit.Record(ctx, oauth.KeyWithdrawn(gone...)); err != nil {
			return err
		}
	}
	return nil
}
