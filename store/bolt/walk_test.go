package bolt

import (
	"testing"

	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/storetest"
)

func TestWalk(t *testing.T) {
	storetest.RunWalk(t, func(t *testing.T) store.Walker { return open(t, fresh(t), Options{}) })
}
