package web_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/iotest"

	"github.com/grantor-dev/grantor/internal/limit"
	"github.com/grantor-dev/grantor/internal/web"
)

func TestABodyIsWholeBehindALane(t *testing.T) {
	torn := errors.New("torn")
	for name, c := range map[string]struct {
		size  int
		after error
		most  int64 // that the handler reads; 0: all
	}{
		"empty":              {0, nil, 0},
		"short":              {100, nil, 0},
		"as long as is read": {64 << 10, nil, 0},
		"longer":             {64<<10 + 1, nil, 0},
		"much longer":        {500 << 10, nil, 0},
		"torn":               {100, torn, 0},
		"torn late":          {100 << 10, torn, 0},
		"too long":           {100 << 10, nil, 64 << 10},
		"just not too long":  {64 << 10, nil, 64 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			sent := bytes.Repeat([]byte("a"), c.size)
			var body io.Reader = bytes.NewReader(sent)
			if c.after != nil {
				body = io.MultiReader(body, iotest.ErrReader(c.after))
			}
			gate := web.Gate{Lane: limit.NewLane(1, 1)}
			served := false
			handler := web.New(web.Config{})(gate.Before(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				served = true
				if c.most > 0 {
					web.LimitBody(w, r, c.most)
				}
				got, err := io.ReadAll(r.Body)
				var tooLong *http.MaxBytesError
				switch cut := c.most > 0 && int64(c.size) > c.most; {
				case cut != errors.As(err, &tooLong):
					t.Errorf("got %v", err)
				case !cut && (!bytes.Equal(got, sent) || !errors.Is(err, c.after)):
					t.Errorf("%d of %d bytes, %v", len(got), len(sent), err)
				}
			})))
			r := httptest.NewRequest(http.MethodPost, "/", body)
			handler.ServeHTTP(httptest.NewRecorder(), r)
			if !served {
				t.Error("it was not served")
			}
		})
	}
}

func TestAPanicGivesItsTurnBack(t *testing.T) {
	lane := limit.NewLane(1, 0)
	handler := web.New(web.Config{})(web.Gate{Lane: lane}.Before(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("oops") })))
	for range 3 {
		a := httptest.NewRecorder()
		handler.ServeHTTP(a, httptest.NewRequest(http.MethodGet, "/", nil))
		if a.Code != http.StatusInternalServerError {
			t.Errorf("status %d", a.Code)
		}
	}
	if got := lane.State().Running; got != 0 {
		t.Errorf("%d turns are held", got)
	}
}

// stalled is the rest of a body that does not come.
type stalled struct {
	asked   chan<- struct{}
	release <-chan struct{}
}

func (s stalled) Read([]byte) (int, error) {
	s.asked <- struct{}{}
	<-s.release
	return 0, io.ErrUnexpectedEOF
}

// A form that is as long as forms may be, and of which one more byte is announced, must not wait for that in its turn.
func TestAFormThatIsNotAllThereTakesNoTurn(t *testing.T) {
	for _, size := range []int{0, 100, 64<<10 - 1, 64 << 10} {
		lane := limit.NewLane(1, 0)
		handler := web.New(web.Config{})(web.Gate{Lane: lane}.Before(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			web.LimitBody(w, r, 64<<10)
			_, _ = io.ReadAll(r.Body)
		})))
		asked, release, served := make(chan struct{}, 9), make(chan struct{}), make(chan struct{})
		r := httptest.NewRequest(http.MethodPost, "/", io.MultiReader(bytes.NewReader(make([]byte, size)), stalled{asked, release}))
		r.ContentLength = int64(size) + 1
		go func() {
			handler.ServeHTTP(httptest.NewRecorder(), r)
			close(served)
		}()
		<-asked
		if got := lane.State().Running; got != 0 {
			t.Errorf("after %d bytes it holds a turn", size)
		}
		close(release)
		<-served
	}
}

// unread is a connection whose other end does not read.
type unread struct {
	http.ResponseWriter
	writing chan<- struct{}
	release <-chan struct{}
}

func (u unread) Write(b []byte) (int, error) {
	u.writing <- struct{}{}
	<-u.release
	return len(b), nil
}

func TestAnAnswerThatNobodyReadsHoldsNoTurn(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"with a status": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write(make([]byte, 9))
		},
		"without a status": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 9)) },
		"by a panic":       func(http.ResponseWriter, *http.Request) { panic("oops") },
	} {
		t.Run(name, func(t *testing.T) {
			lane := limit.NewLane(1, 0)
			handler := web.New(web.Config{})(web.Gate{Lane: lane}.Before(answer))
			writing, release, served := make(chan struct{}), make(chan struct{}), make(chan struct{})
			go func() {
				handler.ServeHTTP(unread{httptest.NewRecorder(), writing, release}, httptest.NewRequest(http.MethodGet, "/", nil))
				close(served)
			}()
			<-writing
			if got := lane.State().Running; got != 0 {
				t.Error("it holds a turn")
			}
			close(release)
			<-served
			if err := lane.Enter(t.Context()); err != nil || lane.State().Running != 1 {
				t.Error("a turn was given back twice")
			}
		})
	}
}
