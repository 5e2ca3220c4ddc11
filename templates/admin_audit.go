package templates

// auditPages are the pages of the audit log: the name of the file in admin/, and an empty struct.
var auditPages = map[string]any{}
