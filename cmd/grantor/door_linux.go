package main

import (
	"errors"
	"net"
	"syscall"
)

// letNobodyIn has the system drop every packet that asks for a new connection, as if it were lost: its sender repeats it a second
// later, and is refused when the port is closed by then. Who was let in already can be received in peace. To close a port
// without this resets connections that were made and not received yet, maybe with a request on them.
func letNobodyIn(l net.Listener) error {
	port, ok := l.(*net.TCPListener)
	if !ok {
		return errors.New("not a TCP port")
	}
	raw, err := port.SyscallConn()
	if err != nil {
		return err
	}
	const flags, syn = 13, 2 // of the header of TCP: which byte holds the flags, and which of them asks for a connection
	filter := []syscall.SockFilter{
		{Code: syscall.BPF_LD | syscall.BPF_B | syscall.BPF_ABS, K: flags},
		{Code: syscall.BPF_JMP | syscall.BPF_JSET | syscall.BPF_K, K: syn, Jf: 1},
		{Code: syscall.BPF_RET | syscall.BPF_K, K: 0},          // dropped
		{Code: syscall.BPF_RET | syscall.BPF_K, K: 0xffffffff}, // taken as it is
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = syscall.AttachLsf(int(fd), filter) //lint:ignore SA1019 what replaces it cannot be attached to a port of TCP
	})
	return errors.Join(err, failed)
}
