package memory

import (
	"testing"

	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/storetest"
)

func TestWalk(t *testing.T) {
	storetest.RunWalk(t, func(*testing.T) store.Walker { return New() })
}
