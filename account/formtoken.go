package account

import (
	"crypto/subtle"
	"encoding/base64"
)

// FormToken is what a form carries to prove that it was served to this browser for this purpose. browser is the value of
// the browser's cookie, purpose names the form and what it is about.
func (d *Directory) FormToken(browser, purpose string) string {
	return base64.RawURLEncoding.EncodeToString(keyedSum(d.Secret("form"), "form", browser, purpose))
}

// CheckFormToken tells whether FormToken gave token for this browser and purpose. A browser without a cookie has none.
func (d *Directory) CheckFormToken(browser, purpose, token string) bool {
	if browser == "" || token == "" {
		return false
	}
	want := d.FormToken(browser, purpose)
	return subtle.ConstantTimeCompare([]byte(want), []byte(token)) == 1
}
