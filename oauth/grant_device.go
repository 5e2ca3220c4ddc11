package oauth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// RFC 8628 sections 3.4, 3.5: a device asks with its code until its user has answered.

// errDeviceCode is the one answer to every device code that is not the caller's. Admins are told the rule and the near miss.
func errDeviceCode(rule, near string) *Error {
	return refuse(InvalidGrant, "the device code is not valid").By(rule, pollSource).Saying(near)
}

// The rules for a device code, and where they stand.
const (
	deviceIsOurs  = "a device code is one that this server issued and that still stands"
	deviceIsOnce  = "a device code is redeemed once"
	deviceIsOwn   = "a device code is redeemed by the client that it was issued to"
	deviceIsFresh = "a device code is redeemed before it expires"
	pollSource    = "RFC 8628 section 3.4"
	waitSource    = "RFC 8628 section 3.5"
)

// redeemDevice proves that the caller holds a device code, and marks it as used once its user has allowed it. A second use
// ends the authorization, as that of an authorization code does.
func (p *Provider) redeemDevice(ctx context.Context, c *Client, r *TokenRequest) (*grant, error) {
	if r.DeviceCode == "" {
		return nil, refuse(InvalidRequest, "device_code is missing").By("device_code is there", pollSource)
	}
	t, ok := p.tokens().parse(devicePrefix, r.DeviceCode)
	if !ok {
		return nil, errDeviceCode(deviceIsOurs, tokenForm(devicePrefix, r.DeviceCode))
	}
	old, err := p.authorizations.Load(ctx, t.Authorization)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errDeviceCode(deviceIsOurs, p.nearGone(t, p.lifetimes.DeviceCode))
	}
	if err != nil {
		return nil, fmt.Errorf("read authorization: %w", err)
	}
	a := old.Value
	if a.Device == nil || !a.Device.Digest.equal(t.digest) {
		return nil, errDeviceCode(deviceIsOurs, "its authorization has no such device code")
	}
	if a.ClientID != c.ClientID {
		return nil, errDeviceCode(deviceIsOwn, "issued to "+a.ClientID+", shown by "+c.ClientID)
	}
	if err := p.answered(ctx, a, c); err != nil {
		return nil, err
	}
	a.Device.Status = deviceRedeemed
	g := &grant{authorization: a, old: old}
	return g, p.reach(ctx, c, g, r)
}

// answered tells a device what became of its authorization; nil where it was allowed and may be redeemed now.
func (p *Provider) answered(ctx context.Context, a *Authorization, c *Client) error {
	d := a.Device
	switch {
	case d.Status == deviceRedeemed:
		if err := p.endAuthorization(ctx, a, "device code used twice"); err != nil {
			return err
		}
		return errDeviceCode(deviceIsOnce, "it was redeemed before; what it had issued has ended with this second use")
	case d.Status == deviceDenied:
		return refuse(AccessDenied, "the user did not allow it").By("the user allows what is asked for", waitSource)
	case !p.now().Before(d.Expires):
		return refuse(ExpiredToken, "the device code has expired").By(deviceIsFresh, waitSource).
			Saying(fmt.Sprintf("it expired %s; a device code lives %v", p.since(d.Expires), Duration(p.lifetimes.DeviceCode)))
	}
	if err := p.checkLive(ctx, a, c); errors.Is(err, errEnded) {
		return errDeviceCode(deviceIsOurs, whyEnded(err)).By(deviceIsOurs, endSource)
	} else if err != nil {
		return err
	}
	switch d.Status {
	case deviceAllowed:
		return nil
	case deviceWaits:
		return p.pending(ctx, a)
	}
	return fmt.Errorf("device authorization %s has status %d, which this version does not know", a.ID, d.Status)
}

// devicePolls counts the questions of a device in the time of one interval.
var devicePolls = store.Kind{Name: "device_poll", Spread: true}

// pollWindow is a little less than the interval: questions do not arrive as evenly as they are sent.
const pollWindow = PollInterval - 500*time.Millisecond

func (p *Provider) pending(ctx context.Context, a *Authorization) error {
	polls, err := p.backend.Add(ctx, devicePolls, a.ID, 1, pollWindow)
	if err != nil {
		return fmt.Errorf("count questions of a device: %w", err)
	}
	if polls > 1 {
		return refuse(SlowDown, "the device asks too often: wait 5 seconds longer between two requests").
			By("a device waits for the interval between two requests", waitSource).Saying(fmt.Sprintf("the interval is %v; %d requests came within one", PollInterval, polls))
	}
	return refuse(AuthorizationPending, "the user has not answered yet").By("the user allows what is asked for", waitSource)
}
