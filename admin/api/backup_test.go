package api_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/api"
	"github.com/grantor-dev/grantor/internal/limit"
)

func sealed(t *testing.T, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	ok(t, api.WriteBackup(&b, func(w io.Writer) error {
		_, err := io.WriteString(w, content)
		return err
	}))
	return b.Bytes()
}

func TestABackupIsReadAsItWasWritten(t *testing.T) {
	for _, size := range []int{0, 1, 55, 56, 57, 256<<10 - 57, 256<<10 - 56, 256<<10 - 1, 256 << 10, 256<<10 + 1, 1 << 20} {
		content := strings.Repeat("abcdefg", size/7+1)[:size]
		var back bytes.Buffer
		if err := api.ReadBackup(bytes.NewReader(sealed(t, content)), &back); err != nil || back.String() != content {
			t.Errorf("%d bytes: %d came back, %v", size, back.Len(), err)
		}
	}
}

func TestABackupThatLostItsEndOrWasChangedIsNone(t *testing.T) {
	whole := sealed(t, strings.Repeat("store", 100_000))
	refused := func(name string, b []byte) {
		t.Helper()
		if err := api.ReadBackup(bytes.NewReader(b), io.Discard); !errors.Is(err, api.ErrIncomplete) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, n := range []int{0, 1, 55, 56, 4096, len(whole) - 57, len(whole) - 56, len(whole) - 55, len(whole) - 1} {
		refused("cut short", whole[:n])
	}
	refused("longer", append(bytes.Clone(whole), 0))
	refused("without its middle", append(bytes.Clone(whole[:4096]), whole[8192:]...))
	for _, i := range []int{0, 1000, len(whole) - 56, len(whole) - 30, len(whole) - 1} {
		other := bytes.Clone(whole)
		other[i] ^= 1
		refused("changed", other)
	}
}

func TestABackupIsSentToWhoMayAndNoted(t *testing.T) {
	w := newWorld(t)
	w.rebuild(func(c *api.Config) {
		c.Backup = func(_ context.Context, w io.Writer) error {
			_, err := io.WriteString(w, "the file")
			return err
		}
	})
	answer := w.as(w.user("cron", account.BackUpStore), "store:backup").do("GET", "/store/backup", nil)
	var file bytes.Buffer
	if err := api.ReadBackup(answer.Body, &file); err != nil || answer.Code != http.StatusOK || file.String() != "the file" {
		t.Fatalf("answer %d: %q, %v", answer.Code, file.String(), err)
	}
	events, _, err := w.audit.Find(w.system(), account.AuditQuery{Action: "store.backed_up", Limit: 5})
	if err != nil || len(events) != 1 || events[0].Actor.Name != "cron" {
		t.Fatalf("events: %+v, %v", events, err)
	}
	answer = w.as(w.superAdmin("root"), "admin").do("HEAD", "/store/backup", nil)
	if answer.Code != http.StatusOK || answer.Body.Len() != 0 {
		t.Errorf("HEAD answers %d with %d bytes", answer.Code, answer.Body.Len())
	}
	if answer = w.as(w.superAdmin("other"), "clients:view").do("GET", "/store/backup", nil); answer.Code != http.StatusForbidden {
		t.Errorf("a token that does not reach so far: %d", answer.Code)
	}
	w.rebuild(func(c *api.Config) { c.Backup = nil })
	if answer = w.as(w.superAdmin("third"), "admin").do("GET", "/store/backup", nil); answer.Code != http.StatusConflict || !strings.Contains(answer.Body.String(), "no-backup") {
		t.Errorf("without a file: %d %s", answer.Code, answer.Body)
	}
}

func TestOneBackupIsSentAtATimeAndHoldsNoTurn(t *testing.T) {
	w := newWorld(t)
	begun, end := make(chan struct{}), make(chan struct{})
	lane := limit.NewLane(1, 0)
	w.rebuild(func(c *api.Config) {
		c.Lane = lane
		c.Backup = func(context.Context, io.Writer) error {
			begun <- struct{}{}
			<-end
			return nil
		}
	})
	root := w.as(w.superAdmin("root"), "admin")
	first := make(chan *result)
	go func() { first <- root.do("GET", "/store/backup", nil) }()
	<-begun
	if answer := root.do("GET", "/store/backup", nil); answer.Code != http.StatusConflict || !strings.Contains(answer.Body.String(), "backing-up") {
		t.Errorf("a second one: %d %s", answer.Code, answer.Body)
	}
	if answer := root.do("GET", "/me", nil); answer.Code != http.StatusOK {
		t.Errorf("beside a backup: %d", answer.Code)
	}
	close(end)
	if answer := <-first; answer.Code != http.StatusOK {
		t.Errorf("the first: %d", answer.Code)
	}
	if running := lane.State().Running; running != 0 {
		t.Errorf("%d turns are held", running)
	}
}

// Whoever reads half of a backup must see that the connection broke.
func TestABackupThatFailsBreaksTheConnection(t *testing.T) {
	w := newWorld(t)
	w.rebuild(func(c *api.Config) {
		c.Backup = func(_ context.Context, w io.Writer) error {
			_, _ = w.Write(make([]byte, 1<<20))
			return errors.New("the disk is gone")
		}
	})
	token := w.token(w.superAdmin("root"), "admin")
	server := httptest.NewServer(w.handler)
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+base+api.Path+"/store/backup", nil)
	ok(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := server.Client().Do(r)
	if err != nil {
		return // it broke before anything came
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err == nil {
		t.Error("half a backup was read to its end")
	}
}
