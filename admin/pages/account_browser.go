package pages

import (
	"slices"
	"strings"
)

// mark is a word in a User-Agent and what it stands for. Browsers name those that they descend from, too, so the first
// mark that is found counts.
type mark struct{ word, means string }

var browserMarks = []mark{
	{"Edg/", "Edge"}, {"EdgA/", "Edge"}, {"EdgiOS/", "Edge"}, {"OPR/", "Opera"}, {"Vivaldi/", "Vivaldi"}, {"SamsungBrowser/", "Samsung Internet"},
	{"YaBrowser/", "Yandex Browser"}, {"FxiOS/", "Firefox"}, {"Firefox/", "Firefox"}, {"HeadlessChrome/", "Chrome without a window"},
	{"CriOS/", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"},
}

var systemMarks = []mark{
	{"Windows NT", "Windows"}, {"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"CrOS", "ChromeOS"}, {"Mac OS X", "macOS"}, {"Linux", "Linux"},
}

// browserInWords says what a browser calls itself: "Firefox on Linux", or the words of its own where they are not known.
// It is what the browser claims, no proof.
func browserInWords(agent string) string {
	browser, system := firstMark(browserMarks, agent), firstMark(systemMarks, agent)
	switch {
	case agent == "":
		return "A browser that does not say its name"
	case browser == "" || !strings.HasPrefix(agent, "Mozilla/"):
		return agent
	case system == "":
		return browser
	}
	return browser + " on " + system
}

func firstMark(marks []mark, agent string) string {
	at := slices.IndexFunc(marks, func(m mark) bool { return strings.Contains(agent, m.word) })
	if at < 0 {
		return ""
	}
	return marks[at].means
}
