package templates

// userPages are the pages of the area Users: the name of the file in admin/, and an empty struct.
var userPages = map[string]any{}
