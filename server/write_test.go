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
