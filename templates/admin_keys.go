package templates

// keyPages are the pages of the area Keys: the name of the file in admin/, and an empty struct.
var keyPages = map[string]any{}
