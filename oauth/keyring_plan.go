package oauth

import (
	"time"

	"github.com/grantor-dev/grantor/internal/jose"
)

// RotationPlan says when the keys of an algorithm change.
type RotationPlan struct {
	Algorithm jose.Algorithm
	Possible  time.Time // from when Rotate works; before, it answers *TooSoonError
	Due       time.Time // from when Run rotates by itself
}

// Plans tells of every algorithm that has keys, in the order in which they are published; nothing before Load.
func (k *Keyring) Plans() []RotationPlan {
	v := k.view.Load()
	if v == nil {
		return nil
	}
	var plans []RotationPlan
	for _, r := range v.rings {
		plans = append(plans, RotationPlan{
			Algorithm: jose.Algorithm(r.ID), Possible: r.nextKnown(), Due: r.Current.Activated.Add(k.config.RotateEvery),
		})
	}
	return plans
}

// nextKnown is when every key set from before the next key was published is out of use. The first two keys of an algorithm
// were published together, so that whoever knows one knows the other. After a withdrawal the next key itself tells it.
func (r *ring) nextKnown() time.Time {
	if !r.Next.Known.IsZero() {
		return r.Next.Known
	}
	if len(r.Retired) == 0 {
		return r.Next.Created
	}
	return r.Next.Created.Add(KeyPublishTime)
}
