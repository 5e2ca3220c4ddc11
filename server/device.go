package server

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/internal/object"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

// RFC 8628: the device authorization grant. Devices ask deviceAuthorization and then the token endpoint; people come to the
// page for user codes, which leads to the consent page.

// userCodeField is the parameter and the field that hold a user code.
const userCodeField = "user_code"

// deviceAuthorization is the device authorization endpoint (RFC 8628 section 3.1).
func (s *server) deviceAuthorization(w http.ResponseWriter, r *http.Request, c *oauth.Client, f form) error {
	codes, err := s.Provider.AuthorizeDevice(r.Context(), c, &oauth.DeviceRequest{
		Scope: f.get("scope"), Resources: f.all("resource"), Address: s.limitedAddress(r.Context()),
	})
	if err != nil {
		return err
	}
	uri := s.Provider.Issuer() + devicePath
	s.writeObject(w, http.StatusOK, func(o *object.Writer) { // RFC 8628 section 3.2
		o.Text("device_code", codes.DeviceCode)
		o.Text(userCodeField, codes.UserCode)
		o.Text("verification_uri", uri)
		o.Text("verification_uri_complete", uri+withUserCode(codes.UserCode))
		o.Int("expires_in", int64(codes.Lifetime.Seconds()))
		o.Int("interval", int64(codes.Interval.Seconds()))
	})
	return nil
}

func withUserCode(code string) string {
	if code == "" {
		return ""
	}
	return "?" + userCodeField + "=" + url.QueryEscape(code)
}

func devicePurpose(v oauth.Visitor) string { return "device " + v.Session.ID }

// showDevice asks a signed-in person for the code that a device shows. A link that holds the code only fills it in: the
// person compares it and goes on himself (RFC 8628 section 3.3.1).
func (s *server) showDevice(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visitor(w, r)
	if err != nil {
		return err
	}
	code := oauth.UserCode(r.URL.Query().Get(userCodeField))
	if v.User == nil {
		redirect(w, r, s.base+loginPath+"?next="+url.QueryEscape(devicePath+withUserCode(code)))
		return nil
	}
	s.writeDevice(w, r, v, http.StatusOK, templates.Device{UserCode: code, Linked: code != ""})
	return nil
}

// belowDevice is where nothing is but what somebody typed behind the address, perhaps a code. The log does not keep it.
func (s *server) belowDevice(_ http.ResponseWriter, r *http.Request) error {
	web.EventFrom(r.Context()).Path = s.base + devicePath + "/..."
	return errNotFound
}

func (s *server) writeDevice(w http.ResponseWriter, r *http.Request, v oauth.Visitor, status int, page templates.Device) {
	page.Frame = s.frame(v.User.Username)
	page.FormToken = s.Directory.FormToken(v.Browser, devicePurpose(v))
	s.writePage(w, r, status, page)
}

// device takes the code and leads to the consent page.
func (s *server) device(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visitor(w, r)
	if err != nil {
		return err
	}
	if v.User == nil {
		return errFormToken
	}
	f, err := s.readPageForm(w, r, v, func(form) string { return devicePurpose(v) })
	if err != nil {
		return err
	}
	i, err := s.Provider.EnterUserCode(r.Context(), f.get(userCodeField), v)
	if err != nil {
		return s.refuseUserCode(w, r, v, f.get(userCodeField), err)
	}
	redirect(w, r, s.interactionURL(authorizePath, i.Handle))
	return nil
}

// refuseUserCode shows the page again with what went wrong.
func (s *server) refuseUserCode(w http.ResponseWriter, r *http.Request, v oauth.Visitor, typed string, err error) error {
	page := templates.Device{UserCode: shown(typed)}
	var throttled *account.ThrottledError
	switch {
	case errors.Is(err, oauth.ErrUserCode):
		page.Error = "No device waits with this code. Compare it with what the device shows; if it was shown a while ago, let the device show a new one."
		web.EventFrom(r.Context()).Error = userCodeUnknown
		s.writeDevice(w, r, v, formRefused, page)
		return nil
	case errors.As(err, &throttled):
		page.Error, page.RetryAfter = "There were too many tries.", throttled.RetryAfter
		a := answerTo(err)
		a.note(web.EventFrom(r.Context()), err)
		a.head(w)
		s.writeDevice(w, r, v, a.status, page)
		return nil
	}
	return err
}

// userCodeUnknown is what the log calls a user code that leads nowhere.
const userCodeUnknown = "user_code_unknown"

// writeDeviceOver tells the person that he is done here.
func (s *server) writeDeviceOver(w http.ResponseWriter, r *http.Request, step oauth.Step) {
	page := templates.Message{Frame: s.frame(""), Status: http.StatusOK, Title: "Your device goes on", Text: "You allowed it. You can close this page and return to your device."}
	if step == oauth.DeviceDenied {
		page.Title, page.Text, page.Plain = "Your device was refused", "You did not allow it. You can close this page.", true
	}
	s.writePage(w, r, http.StatusOK, page)
}
