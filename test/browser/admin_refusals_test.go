package browser

import (
	"net/http"
	"net/url"
	"testing"
)

// TestARefusedRequestIsExplained goes from the page of an error, by the id on it, to why it was shown.
func TestARefusedRequestIsExplained(t *testing.T) {
	t.Parallel()
	b := enter(t, withScripts, admin(t), "/admin/auth-clients")
	asked := url.Values{"client_id": {listedWord + "-01"}, "redirect_uri": {"https://second.example.test"}, "response_type": {"code"}}
	b.visit("/oauth2/authorize?" + asked.Encode())
	b.answers(http.StatusBadRequest)
	b.seesNot("second.example.test")
	id := ask[string](b, `document.querySelector("dl.facts code").textContent`)
	b.visit("/admin/refusals")
	b.fill("Id of the request", "urn:request:"+id)
	b.leave("Explain", func() { b.press("Explain") })
	b.at("/admin/refusals/" + id)
	b.sees("registered “https://second.example.test/”, got “https://second.example.test”: it lacks the slash at the end")
	b.sees("RFC 6749 section 3.1.2.3")
	b.look("admin-refusal")
	b.visit("/admin/refusals?client=" + listedWord + "-01")
	b.sees("it lacks the slash at the end")
	b.look("admin-refusals-client")
}
