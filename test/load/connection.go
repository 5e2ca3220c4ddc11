package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
)

// connection is one keep-alive connection with one request under way at a time. It is written out by hand because the
// client of net/http takes more processor time than the servers that are measured.
type connection struct {
	to   string
	conn net.Conn
	in   *bufio.Reader
	body []byte
}

// answer is what came back; its body is good until the next request.
type answer struct {
	status   int
	location string
	body     []byte
}

func dial(to string) (*connection, error) {
	c, err := net.Dial("tcp", to)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return &connection{to: to, conn: c, in: bufio.NewReader(c)}, nil
}

func (c *connection) close() { _ = c.conn.Close() } // nothing is under way

// do sends a request, whole and ready, and reads the answer.
func (c *connection) do(request []byte) (answer, error) {
	if _, err := c.conn.Write(request); err != nil {
		return answer{}, fmt.Errorf("send request: %w", err)
	}
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return answer{}, fmt.Errorf("read answer: %w", err)
	}
	var a answer
	if len(line) < 12 {
		return a, errors.New("read answer: no status")
	}
	if a.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return a, fmt.Errorf("read status: %w", err)
	}
	length, err := c.head(&a)
	if err != nil {
		return a, fmt.Errorf("read head of answer: %w", err)
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	a.body = c.body[:length]
	if _, err := io.ReadFull(c.in, a.body); err != nil {
		return a, fmt.Errorf("read body of answer: %w", err)
	}
	return a, nil
}

var (
	lengthHeader   = []byte("Content-Length: ")
	locationHeader = []byte("Location: ")
)

// head reads the header fields and gives the length of the body, which every answer here has.
func (c *connection) head(a *answer) (length int, err error) {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return length, nil
		}
		if value, ok := bytes.CutPrefix(line, lengthHeader); ok {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, err
			}
		}
		if value, ok := bytes.CutPrefix(line, locationHeader); ok {
			a.location = string(value)
		}
	}
}

// expect is do for an answer with one status; any other ends the run.
func (c *connection) expect(status int, request []byte) (answer, error) {
	a, err := c.do(request)
	if err != nil {
		return a, err
	}
	if a.status != status {
		return a, fmt.Errorf("answered %d %s, expected %d", a.status, a.body, status)
	}
	return a, nil
}

// post writes out a request with a form. Each header is a line.
func post(path, form string, headers ...string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: localhost\r\n", path)
	for _, line := range headers {
		fmt.Fprintf(&b, "%s\r\n", line)
	}
	fmt.Fprintf(&b, "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", len(form), form)
	return b.Bytes()
}
