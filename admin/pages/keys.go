package pages

func keyPages() handlers { return handlers{} }

// keyNotices are what these pages tell after an act.
var keyNotices = map[string]string{}
