package templates

// groupPages are the pages of the area Groups: the name of the file in admin/, and an empty struct.
var groupPages = map[string]any{}
