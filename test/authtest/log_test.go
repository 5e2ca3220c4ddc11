package authtest

import (
	"fmt"
	"slices"
	"testing"
)

func TestASecretAmongManyIsFoundInALog(t *testing.T) {
	s := &Server{secrets: newSecrets(), log: new(lines)}
	for i := range 1000 {
		s.Keep(fmt.Sprintf("secret-%08d", i))
	}
	if found := s.SecretsIn(`{"msg":"secret-0000099"}`); len(found) != 0 {
		t.Errorf("found %q in a text without a secret", found)
	}
	found := s.SecretsIn(`{"msg":"secret-00000999 and secret-00000007"}`)
	slices.Sort(found)
	if !slices.Equal(found, []string{"secret-00000007", "secret-00000999"}) {
		t.Errorf("found %q", found)
	}
}

func TestAServerThatSettlesIsJudgedOnce(t *testing.T) {
	s := &Server{secrets: newSecrets(), log: new(lines)}
	s.Keep("the secret")
	write := func(text string) {
		if _, err := s.log.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"msg":"the secret"}` + "\n" + `{"msg":`)
	if faults := s.Settle(); len(faults) != 1 {
		t.Errorf("the first time: %q", faults)
	}
	write(`"a line that was begun before"}` + "\n")
	if faults := s.Settle(); len(faults) != 0 {
		t.Errorf("the second time: %q", faults)
	}
	if s.Log() != "" {
		t.Errorf("it still knows %q", s.Log())
	}
}
