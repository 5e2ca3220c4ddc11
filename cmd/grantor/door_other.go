//go:build !linux

package main

import (
	"errors"
	"net"
)

// letNobodyIn is for Linux only: elsewhere a connection that is made while the port is being closed is reset.
func letNobodyIn(net.Listener) error { return errors.ErrUnsupported }
