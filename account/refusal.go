package account

import (
	"context"
	"errors"
	"time"

	"github.com/grantor-dev/grantor/store"
)

// refusalsNoted bounds what one actor can leave in the audit log by asking for what it may not have.
var refusalsNoted = Limit{Kind: store.Kind{Name: "refusals_noted", Spread: true}, Most: 300, Window: 10 * time.Minute}

// RecordRefusal notes in the audit log that whoever acts under the context asked for what he may not have. Of very many
// refusals of one actor only the first ones of ten minutes are noted.
func (d *Directory) RecordRefusal(ctx context.Context, object, method string, refusal error) error {
	err := d.Admit(ctx, refusalsNoted, ActorFrom(ctx).ID)
	var throttled *ThrottledError
	if errors.As(err, &throttled) {
		return nil
	}
	if err != nil {
		return err
	}
	return d.Audit.Record(ctx, Event{Action: "access.refused", Object: object, Detail: map[string]string{"method": method, "reason": refusal.Error()}})
}
