//go:build !linux

package deploy

// enteredRoot is set for processes that live in a root of their own, which Linux alone offers.
const enteredRoot = "GRANTOR_TEST_ROOT"

func enterRoot() {}

func removeBinary() {}
