package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// connection is one keep-alive connection with one request under way at a time. It is written out by hand because the
// client of net/http takes more processor time than the servers that are measured.
type connection struct {
	to   string
	conn net.Conn
	in   *bufio.Reader
	body []byte

	request []byte // memory for requests that are written out anew each time
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
	c.body = c.body[:0]
	if length != chunked {
		err = c.readBody(length)
	} else {
		err = c.readChunks()
	}
	if err != nil {
		return a, fmt.Errorf("read body of answer: %w", err)
	}
	a.body = c.body
	return a, nil
}

// readBody reads n bytes more of the body.
func (c *connection) readBody(n int) error {
	had := len(c.body)
	c.body = slices.Grow(c.body, n)[:had+n]
	_, err := io.ReadFull(c.in, c.body[had:])
	return err
}

// readChunks reads a body whose length was not told beforehand (RFC 9112 section 7.1).
func (c *connection) readChunks() error {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		n, err := strconv.ParseUint(string(bytes.TrimRight(line, "\r\n")), 16, 31)
		if err != nil {
			return err
		}
		if err := c.readBody(int(n)); err != nil {
			return err
		}
		if _, err := c.in.Discard(len("\r\n")); err != nil || n == 0 {
			return err
		}
	}
}

// chunked stands for a length that is not told beforehand.
const chunked = -1

var (
	lengthHeader   = []byte("Content-Length: ")
	locationHeader = []byte("Location: ")
	chunkedHeader  = []byte("Transfer-Encoding: chunked")
)

// head reads the header fields and gives the length of the body, or chunked.
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
		if bytes.Equal(line, chunkedHeader) {
			length = chunked
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

// eventually is expect for an answer that may take a while to be there, such as one that needs a new key.
func (c *connection) eventually(ctx context.Context, request []byte) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		a, err := c.do(request)
		if err != nil || a.status == http.StatusOK {
			return a, err
		}
		select {
		case <-ctx.Done():
			return a, fmt.Errorf("answered %d %s", a.status, a.body)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// post writes out a request with a form. Each header is a line.
func post(path, form string, headers ...string) []byte {
	return withBody(path, "application/x-www-form-urlencoded", form, headers...)
}

func withBody(path, kind, body string, headers ...string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: localhost\r\n", path)
	for _, line := range headers {
		fmt.Fprintf(&b, "%s\r\n", line)
	}
	fmt.Fprintf(&b, "Content-Type: %s\r\nContent-Length: %d\r\n\r\n%s", kind, len(body), body)
	return b.Bytes()
}

// get writes out a request without a body.
func get(path string, headers ...string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: localhost\r\n", path)
	for _, line := range headers {
		fmt.Fprintf(&b, "%s\r\n", line)
	}
	b.WriteString("\r\n")
	return b.Bytes()
}
