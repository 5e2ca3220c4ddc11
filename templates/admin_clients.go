package templates

// clientPages are the pages of the area Auth Clients: the name of the file in admin/, and an empty struct.
var clientPages = map[string]any{}
