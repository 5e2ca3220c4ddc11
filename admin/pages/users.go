package pages

func userPages() handlers { return handlers{} }

// userNotices are what these pages tell after an act.
var userNotices = map[string]string{}
