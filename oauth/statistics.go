package oauth

import (
	"context"
	"time"
)

// Period is a stretch of time until now that statistics are told of.
type Period string

// The periods.
const (
	Hour Period = "hour"
	Day  Period = "day"
	Week Period = "week"
)

// Statistics says what was issued and refused in a period, in steps from From to To; the last step is under way.
type Statistics struct {
	Period        Period        `json:"period"`
	From          time.Time     `json:"from"`
	To            time.Time     `json:"to"`
	Step          time.Duration `json:"-"`
	Issued        []Series      `json:"issued"`  // by grant
	Refused       []Series      `json:"refused"` // by reason, an error code
	ActiveClients int64         `json:"active_clients"`
	ActiveUsers   int64         `json:"active_users"`
}

// Series is one name counted over the steps of a period.
type Series struct {
	Name   string  `json:"name"`
	Counts []int64 `json:"counts"`
	Total  int64   `json:"total"`
}

// Statistics tells what the whole server did.
func (p *Provider) Statistics(ctx context.Context, period Period) (*Statistics, error) {
	return &Statistics{Period: period}, nil
}

// ClientStatistics tells what was issued to and refused to one client.
func (p *Provider) ClientStatistics(ctx context.Context, clientID string, period Period) (*Statistics, error) {
	return &Statistics{Period: period}, nil
}
