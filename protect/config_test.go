package protect

import (
	"strings"
	"testing"
	"time"
)

func TestFaultsOfTheConfiguration(t *testing.T) {
	good := Config{Issuer: "https://auth.example.com", Audience: orders, ClientID: "orders", ClientSecret: "s"}
	for name, c := range map[string]struct {
		change func(*Config)
		want   string // "" for good
	}{
		"as it is":                 {func(*Config) {}, ""},
		"issuer with a path":       {func(c *Config) { c.Issuer = "https://example.com/auth" }, ""},
		"issuer of this machine":   {func(c *Config) { c.Issuer = "http://127.0.0.1:8080" }, ""},
		"issuer at localhost":      {func(c *Config) { c.Issuer = "http://localhost:8080" }, ""},
		"issuer at ::1":            {func(c *Config) { c.Issuer = "http://[::1]:8080" }, ""},
		"no issuer":                {func(c *Config) { c.Issuer = "" }, "Issuer: must be an absolute URL"},
		"issuer over http":         {func(c *Config) { c.Issuer = "http://auth.example.com" }, "Issuer: must be https"},
		"issuer nearly local":      {func(c *Config) { c.Issuer = "http://localhost.example.com" }, "Issuer: must be https"},
		"issuer with a query":      {func(c *Config) { c.Issuer += "?a" }, "Issuer: must have no query"},
		"issuer with empty query":  {func(c *Config) { c.Issuer += "?" }, "Issuer: must have no query"},
		"issuer with a fragment":   {func(c *Config) { c.Issuer += "#" }, "Issuer: must have no query"},
		"issuer with a user":       {func(c *Config) { c.Issuer = "https://a@example.com" }, "Issuer: must have no query"},
		"issuer without scheme":    {func(c *Config) { c.Issuer = "auth.example.com" }, "Issuer: must be an absolute URL"},
		"audience is a name":       {func(c *Config) { c.Audience = "orders" }, "Audience: must be an absolute URI"},
		"audience is an URN":       {func(c *Config) { c.Audience = "urn:example:orders" }, ""},
		"no audience":              {func(c *Config) { c.Audience = "" }, "Audience: must be an absolute URI"},
		"audience with a fragment": {func(c *Config) { c.Audience += "/#" }, "Audience: must have no fragment"},
		"audience with a quote":    {func(c *Config) { c.Audience += `/"x` }, "Audience: must be an absolute URI"},
		"audience with a newline":  {func(c *Config) { c.Audience += "/\r\nX: y" }, "Audience: must be an absolute URI"},
		"client without a secret":  {func(c *Config) { c.ClientSecret = "" }, "ClientID: goes with ClientSecret"},
		"secret without a client":  {func(c *Config) { c.ClientID = "" }, "ClientID: goes with ClientSecret"},
		"scope with a space":       {func(c *Config) { c.Scopes = []string{"a", "b c"} }, "Scopes[1]"},
		"documentation is no page": {func(c *Config) { c.Documentation = "javascript:x" }, "Documentation"},
		"alg none":                 {func(c *Config) { c.Algorithms = []string{"none"} }, "Algorithms[0]"},
		"alg of secrets":           {func(c *Config) { c.Algorithms = []string{"ES256", "HS256"} }, "Algorithms[1]"},
		"skew of a minute":         {func(c *Config) { c.Skew = time.Minute }, ""},
		"skew of more":             {func(c *Config) { c.Skew = time.Minute + 1 }, "Skew"},
		"skew below zero":          {func(c *Config) { c.Skew = -1 }, "Skew"},
		"cache below zero":         {func(c *Config) { c.CacheSize = -1 }, "CacheSize"},
		"cache of one":             {func(c *Config) { c.CacheSize = 1 }, ""},
		"cache time of a day":      {func(c *Config) { c.CacheTime = 24 * time.Hour }, "CacheTime"},
		"timeout below zero":       {func(c *Config) { c.Timeout = -1 }, "Timeout"},
		"unknown use of the feed":  {func(c *Config) { c.Feed = 7 }, "Feed"},
		"unknown way without it":   {func(c *Config) { c.WhenFeedAway = -1 }, "WhenFeedAway"},
		"refuse without a feed":    {func(c *Config) { c.Feed, c.WhenFeedAway = FeedOff, Refuse }, "WhenFeedAway"},
		"session without a feed":   {func(c *Config) { c.Feed, c.EndWithSession = FeedOff, true }, "EndWithSession"},
		"feed without a client":    {func(c *Config) { c.ClientID, c.ClientSecret, c.Feed = "", "", FeedRequired }, "Feed: FeedRequired needs ClientID"},
		"asking without a client":  {func(c *Config) { c.ClientID, c.ClientSecret, c.WhenFeedAway = "", "", AskServer }, "WhenFeedAway"},
	} {
		t.Run(name, func(t *testing.T) {
			made := good
			c.change(&made)
			err := made.check()
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), "protect: "+c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestEveryFaultIsListed(t *testing.T) {
	g, err := New(t.Context(), Config{Skew: time.Hour, Algorithms: []string{"none"}, CacheSize: -1})
	if g != nil || err == nil || strings.Count(err.Error(), "\n") != 4 {
		t.Errorf("New = %v, %v", g, err)
	}
}
