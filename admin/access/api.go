package access

import "github.com/grantor-dev/grantor/account"

// API says what each operation of the REST API needs. An access token that reaches less than its user or client may lets
// through what it reaches.
func API() []Rule {
	const (
		base    = "/admin/api/v1"
		clients = base + "/clients"
		client  = clients + "/{client_id}"
		apis    = base + "/apis"
		oneAPI  = apis + "/{api_id}"
		users   = base + "/users"
		user    = users + "/{user_id}"
		groups  = base + "/groups"
		group   = groups + "/{group_id}"
	)
	put := func(path string, n Need) Rule { return Rule{"PUT", path, n} }
	patch := func(path string, n Need) Rule { return Rule{"PATCH", path, n} }
	remove := func(path string, n Need) Rule { return Rule{"DELETE", path, n} }
	return []Rule{
		get(base+"/openapi.json", Nothing),
		get(base+"/docs", Nothing),
		get(base+"/me", SignedIn),
		get(base+"/permissions", Any),

		get(clients, needs(account.ViewClients)),
		post(clients, needs(account.CreateClients)),
		get(client, needs(account.ViewClients)),
		put(client, needs(account.EditClients)), // and CreateClients where there is none yet
		patch(client, needs(account.EditClients)),
		remove(client, needs(account.DeleteClients)),
		post(client+"/enable", needs(account.EditClients)),
		post(client+"/disable", needs(account.EditClients)),
		get(client+"/secrets", needs(account.ViewClients)),
		post(client+"/secrets", needs(account.EditClients)),
		post(client+"/secrets/rotate", needs(account.EditClients)),
		remove(client+"/secrets/{secret_id}", needs(account.EditClients)),
		get(client+"/authorizations", needs(account.ViewTokens)),
		remove(client+"/authorizations", needs(account.DeleteTokens)),
		get(client+"/tokens", needs(account.ViewTokens)),
		get(base+"/export/clients", needs(account.ViewClients)),
		post(base+"/import/clients", needs(account.CreateClients)), // and EditClients where one is replaced

		get(apis, needs(account.ViewAPIs)),
		post(apis, needs(account.CreateAPIs)),
		get(oneAPI, needs(account.ViewAPIs)),
		put(oneAPI, needs(account.EditAPIs)), // and CreateAPIs where there is none yet
		patch(oneAPI, needs(account.EditAPIs)),
		remove(oneAPI, needs(account.DeleteAPIs)),
		get(oneAPI+"/clients", needs(account.ViewClients)),

		get(base+"/authorizations/{authorization_id}", needs(account.ViewTokens)),
		remove(base+"/authorizations/{authorization_id}", needs(account.DeleteTokens)),
		post(base+"/tokens/inspect", needs(account.ViewTokens)),
		post(base+"/tokens/revoke", needs(account.DeleteTokens)),

		get(users, needs(account.ViewUsers)),
		post(users, needs(account.CreateUsers)),
		get(user, needs(account.ViewUsers)),
		put(user, needs(account.EditUsers)),
		patch(user, needs(account.EditUsers)),
		remove(user, needs(account.DeleteUsers)),
		put(user+"/password", needs(account.EditUsers)),
		post(user+"/block", needs(account.EditUsers)),
		post(user+"/unblock", needs(account.EditUsers)),
		get(user+"/permissions", needs(account.ViewUsers)),
		get(user+"/sessions", needs(account.ViewUsers)),
		remove(user+"/sessions", needs(account.EditUsers)),
		remove(user+"/sessions/{session_id}", needs(account.EditUsers)),
		get(user+"/authorizations", needs(account.ViewTokens)),
		remove(user+"/authorizations", needs(account.DeleteTokens)),
		get(user+"/consents", needs(account.ViewTokens)),
		remove(user+"/consents/{client_id}", needs(account.DeleteTokens)),

		get(groups, needs(account.ViewGroups)),
		post(groups, needs(account.CreateGroups)),
		get(group, needs(account.ViewGroups)),
		put(group, needs(account.EditGroups)),
		patch(group, needs(account.EditGroups)),
		remove(group, needs(account.DeleteGroups)),
		get(group+"/members", needs(account.ViewGroups)),
		put(group+"/members/{member_id}", needs(account.EditGroups)),
		remove(group+"/members/{member_id}", needs(account.EditGroups)),

		get(base+"/audit", needs(account.ViewAudit)),
		get(base+"/refusals", needs(account.ViewRefusals)),
		get(base+"/refusals/{request_id}", needs(account.ViewRefusals)),
		get(base+"/keys", needs(account.ViewKeys)),
		post(base+"/keys/rotate", needs(account.EditKeys)),
		post(base+"/keys/withdraw", needs(account.EditKeys)),
		get(base+"/statistics", needs(account.ViewTokens)),
		get(base+"/statistics/clients/{client_id}", needs(account.ViewTokens)),
		get(base+"/store/backup", needs(account.BackUpStore)),
	}
}
