package access

import "github.com/grantor-dev/grantor/account"

// Pages says what each page needs.
func Pages() []Rule {
	const (
		clients = "/admin/auth-clients"
		client  = clients + "/{client_id}"
		apis    = "/admin/apis"
		api     = apis + "/{api_id}"
		users   = "/admin/users"
		user    = users + "/{user_id}"
		groups  = "/admin/groups"
		group   = groups + "/{group_id}"
	)
	return []Rule{
		get("/admin", Any),
		get("/admin/dashboard", needs(account.ViewTokens)),

		get(clients, needs(account.ViewClients)),
		get(clients+"/-/new", needs(account.CreateClients)),
		post(clients+"/-/new", needs(account.CreateClients)),
		get(clients+"/-/export", needs(account.ViewClients)),
		get(clients+"/-/import", needs(account.CreateClients)),
		post(clients+"/-/import", needs(account.CreateClients)),
		post(clients+"/-/enable", needs(account.EditClients)),
		post(clients+"/-/disable", needs(account.EditClients)),
		post(clients+"/-/delete", needs(account.DeleteClients)),
		post(clients+"/-/revoke", needs(account.DeleteTokens)),
		get(client, needs(account.ViewClients)),
		get(client+"/edit", needs(account.EditClients)),
		post(client+"/edit", needs(account.EditClients)),
		post(client+"/enable", needs(account.EditClients)),
		post(client+"/disable", needs(account.EditClients)),
		get(client+"/delete", needs(account.DeleteClients)),
		post(client+"/delete", needs(account.DeleteClients)),
		get(client+"/secrets/new", needs(account.EditClients)),
		post(client+"/secrets/new", needs(account.EditClients)),
		get(client+"/secrets/rotate", needs(account.EditClients)),
		post(client+"/secrets/rotate", needs(account.EditClients)),
		get(client+"/secrets/{secret_id}/revoke", needs(account.EditClients)),
		post(client+"/secrets/{secret_id}/revoke", needs(account.EditClients)),
		get(client+"/authorizations", needs(account.ViewTokens)),
		post(client+"/authorizations/{authorization_id}/revoke", needs(account.DeleteTokens)),
		get(client+"/revoke", needs(account.DeleteTokens)),
		post(client+"/revoke", needs(account.DeleteTokens)),
		get(client+"/history", needs(account.ViewAudit)),

		get(apis, needs(account.ViewAPIs)),
		get(apis+"/-/new", needs(account.CreateAPIs)),
		post(apis+"/-/new", needs(account.CreateAPIs)),
		get(api, needs(account.ViewAPIs)),
		get(api+"/edit", needs(account.EditAPIs)),
		post(api+"/edit", needs(account.EditAPIs)),
		get(api+"/delete", needs(account.DeleteAPIs)),
		post(api+"/delete", needs(account.DeleteAPIs)),
		get(api+"/history", needs(account.ViewAudit)),

		get(users, needs(account.ViewUsers)),
		get(users+"/-/new", needs(account.CreateUsers)),
		post(users+"/-/new", needs(account.CreateUsers)),
		get(user, needs(account.ViewUsers)),
		get(user+"/edit", needs(account.EditUsers)),
		post(user+"/edit", needs(account.EditUsers)),
		get(user+"/password", needs(account.EditUsers)),
		post(user+"/password", needs(account.EditUsers)),
		get(user+"/permissions", needs(account.EditUsers)),
		post(user+"/permissions", needs(account.EditUsers)),
		post(user+"/block", needs(account.EditUsers)),
		post(user+"/unblock", needs(account.EditUsers)),
		get(user+"/delete", needs(account.DeleteUsers)),
		post(user+"/delete", needs(account.DeleteUsers)),
		post(user+"/sessions/end", needs(account.EditUsers)),
		post(user+"/sessions/{session_id}/end", needs(account.EditUsers)),
		get(user+"/apps", needs(account.ViewTokens)),
		post(user+"/apps/revoke", needs(account.DeleteTokens)),
		post(user+"/apps/{client_id}/revoke", needs(account.DeleteTokens)),
		post(user+"/tokens/{authorization_id}/revoke", needs(account.DeleteTokens)),
		get(user+"/history", needs(account.ViewAudit)),

		get(groups, needs(account.ViewGroups)),
		get(groups+"/-/new", needs(account.CreateGroups)),
		post(groups+"/-/new", needs(account.CreateGroups)),
		get(group, needs(account.ViewGroups)),
		get(group+"/edit", needs(account.EditGroups)),
		post(group+"/edit", needs(account.EditGroups)),
		post(group+"/members/add", needs(account.EditGroups)),
		post(group+"/members/{member_id}/remove", needs(account.EditGroups)),
		get(group+"/delete", needs(account.DeleteGroups)),
		post(group+"/delete", needs(account.DeleteGroups)),
		get(group+"/history", needs(account.ViewAudit)),

		get("/admin/audit", needs(account.ViewAudit)),
		get("/admin/audit.csv", needs(account.ViewAudit)),
		get("/admin/audit.jsonl", needs(account.ViewAudit)),
		get("/admin/refusals", needs(account.ViewRefusals)),
		get("/admin/refusals/{request_id}", needs(account.ViewRefusals)),
		get("/admin/keys", needs(account.ViewKeys)),
		get("/admin/keys/rotate", needs(account.EditKeys)),
		post("/admin/keys/rotate", needs(account.EditKeys)),
		get("/admin/keys/withdraw", needs(account.EditKeys)),
		post("/admin/keys/withdraw", needs(account.EditKeys)),

		get("/account", SignedIn),
		get("/account/profile", SignedIn),
		post("/account/profile", SignedIn),
		get("/account/password", SignedIn),
		post("/account/password", SignedIn),
		get("/account/sessions", SignedIn),
		post("/account/sessions/end", SignedIn),
		post("/account/sessions/{session_id}/end", SignedIn),
		get("/account/apps", SignedIn),
		post("/account/apps/{client_id}/revoke", SignedIn),
		get("/account/tokens", SignedIn),
		get("/account/tokens/new", SignedIn),
		post("/account/tokens/new", SignedIn),
		post("/account/tokens/{authorization_id}/revoke", SignedIn),
	}
}
