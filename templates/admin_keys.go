package templates

import "time"

// keyPages are the pages of the area Keys: the name of the file in admin/, and an empty struct.
var keyPages = map[string]any{
	"keys":         AdminKeys{},
	"key_rotate":   AdminKeyRotate{},
	"key_withdraw": AdminKeyWithdraw{},
}

// AdminKeys shows the signing keys, by algorithm.
type AdminKeys struct {
	Admin
	CanRotate bool
	Several   bool // algorithms, so that all can be rotated at once
	Rings     []KeyRing
	Published string // where everybody reads the public halves, below Base
}

// KeyRing is the keys of one algorithm.
type KeyRing struct {
	Algorithm string // as JOSE names it: "ES256"
	Words     string // "ECDSA with the curve P-256"
	Keys      []KeyLine
	Wait      time.Time // until then it cannot be rotated; zero: it can
	Due       time.Time // when it is rotated by itself
}

// KeyLine is one key.
type KeyLine struct {
	ID      string
	State   KeyState
	Created time.Time
	From    time.Time // since when it signs; zero: it does not yet
	Until   time.Time // when it stopped signing, or will by itself
	Gone    time.Time // from when nothing that it signed is taken; zero: nobody knows yet
}

// KeyState says what a key is for.
type KeyState string

// The states of a key, in the order of its life.
const (
	KeyNext    KeyState = "next"
	KeyCurrent KeyState = "current"
	KeyRetired KeyState = "retired"
)

// Word names the state.
func (s KeyState) Word() string {
	switch s {
	case KeyNext:
		return "Next"
	case KeyCurrent:
		return "Current"
	}
	return "Retired"
}

// Sentence says what the key does now.
func (s KeyState) Sentence() string {
	switch s {
	case KeyNext:
		return "Published already, so that every API knows it before it signs."
	case KeyCurrent:
		return "Signs new tokens."
	}
	return "Signs nothing any more, but proves the tokens that it signed."
}

// Badge is the state as the style sheet names it.
func (s KeyState) Badge() string {
	switch s {
	case KeyNext:
		return "info"
	case KeyCurrent:
		return "ok"
	}
	return "off"
}

// AdminKeyRotate asks whether keys are to be rotated, and tells what happens then.
type AdminKeyRotate struct {
	Admin
	Algorithm string    // "" for all
	Fault     string    // why it did not happen, a whole sentence; may be empty
	Wait      time.Time // until then it cannot be done; zero: it can
}

// AdminKeyWithdraw asks whether keys that have leaked are to be withdrawn, and tells what happens then.
type AdminKeyWithdraw struct {
	Admin
	Key       string    // the one that is meant; "" for all
	Algorithm string    // whose keys are meant where no single one is; "" for all
	Keys      []KeyLine // those that are meant
	Kept      int       // minutes for which a key set may be kept
}
