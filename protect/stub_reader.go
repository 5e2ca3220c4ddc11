package protect

import (
	"context"
	"errors"
)

var errInactive = errors.New("the token is not active")

type introspector struct{}

func newIntrospector(*Config, *discovery) *introspector { return &introspector{} }

func (i *introspector) look(context.Context, string) (*Token, error) { return nil, errInactive }

type feed struct{}

func newFeed(*Config, *discovery) *feed { return &feed{} }

func (f *feed) run(context.Context) {}
func (f *feed) ended(*Token) bool   { return false }
func (f *feed) current() bool       { return true }
