package oauth

import "context"

type lateComers struct{}

func newLateComers() *lateComers { return &lateComers{} }

func (p *Provider) settle(context.Context, *lateComers) error { return nil }
