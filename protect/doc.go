// Package protect guards an API with access tokens of an OAuth 2 authorization server.
package protect
