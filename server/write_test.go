package server

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/internal/object"
)

// An answer says its length, however long it is: some readers wait for it.
func TestAnswersSayTheirLength(t *testing.T) {
	for _, length := range []int{10, countedAnswer - 40, countedAnswer, countedAnswer + 1, 3 * countedAnswer} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			(&server{}).writeObject(w, http.StatusOK, func(o *object.Writer) { o.Text("a", strings.Repeat("b", length-len(`{"a":""}`+"\n"))) })
		}))
		answer, err := http.Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		s.Close()
		if err != nil || len(body) != length || answer.ContentLength != int64(length) {
			t.Errorf("of %d bytes: %d came, %d were promised, %v", length, len(body), answer.ContentLength, err)
		}
	}
}

// keeper is an answer whose long parts are sent after Write has returned, as those of a stream of HTTP/2 that was reset.
type keeper struct {
	httptest.ResponseRecorder
	kept []byte
}

// Write is part of http.ResponseWriter.
func (k *keeper) Write(b []byte) (int, error) {
	if len(b) > countedAnswer {
		k.kept = b
	}
	return len(b), nil
}

func TestALongAnswerIsNeverAnothersMemory(t *testing.T) {
	s, late := &server{}, &keeper{}
	s.writeObject(late, http.StatusOK, func(o *object.Writer) { o.Text("a", strings.Repeat("a", 3*countedAnswer)) })
	for range 100 { // a pool keeps what it is given now and then only, where races are looked for
		s.writeObject(&keeper{}, http.StatusOK, func(o *object.Writer) { o.Text("b", "secret") })
	}
	if strings.Contains(string(late.kept), "secret") || len(late.kept) < countedAnswer {
		t.Errorf("what is sent late became %.40s", late.kept)
	}
}
