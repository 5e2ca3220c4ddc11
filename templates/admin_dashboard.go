package templates

// dashboardPages are the pages of the dashboard: the name of the file in admin/, and an empty struct.
var dashboardPages = map[string]any{}
