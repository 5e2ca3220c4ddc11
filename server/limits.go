package server

import (
	"net/http"

	"github.com/grantor-dev/grantor/internal/limit"
	"github.com/grantor-dev/grantor/internal/web"
)

// Every endpoint but health stands behind a gate. It counts by address what proved nothing, under the class that routes
// names; what proved who sends it is counted by client or user where that becomes known: byClient, visitor, revocations.

// programs is the gate before what programs ask. What asks the store enters the lane by itself, once its body is read.
func (s *server) programs(c limit.Class, next http.Handler) http.Handler {
	return web.Gate{Limits: s.Limits, Class: c, Refuse: s.writeError}.Before(next)
}

// people is the gate before pages.
func (s *server) people(next http.Handler) http.Handler {
	return web.Gate{Limits: s.Limits, Class: limit.Page, Lane: s.PageLane, Refuse: s.writePageError}.Before(next)
}
