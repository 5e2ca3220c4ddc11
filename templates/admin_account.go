package templates

// accountPages are the pages of the area My account: the name of the file in admin/, and an empty struct.
var accountPages = map[string]any{}
