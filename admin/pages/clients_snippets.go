package pages

import (
	"strings"

	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

func (s *site) clientSnippets(c *oauth.Client) []templates.SnippetGroup { return nil }

var _ = strings.Cut
