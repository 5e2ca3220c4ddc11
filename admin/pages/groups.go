package pages

func groupPages() handlers { return handlers{} }

// groupNotices are what these pages tell after an act.
var groupNotices = map[string]string{}
