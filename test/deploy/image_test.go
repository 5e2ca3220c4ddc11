package deploy

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// image is what the Dockerfile says about the image, and the command that builds the binary.
type image struct {
	copies      []string          // what the image holds, as COPY lines without their word
	environment map[string]string // of ENV
	user        string
	volumes     []string
	health      []string // command
	entry, args []string
}

// readImage reads the instructions that this repository uses. Any other is a fault: the tests below would know nothing of it.
func readImage(t *testing.T) *image {
	t.Helper()
	i := &image{environment: map[string]string{}}
	stages := 0
	for line := range strings.SplitSeq(strings.ReplaceAll(read(t, "Dockerfile"), "\\\n", ""), "\n") {
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case word == "" || word == "#":
		case word == "FROM":
			if stages++; stages == 1 && !pinned.MatchString(strings.Fields(rest)[0]) || stages == 2 && rest != "scratch" {
				t.Errorf("FROM %s: the first stage names one version, the last is empty", rest)
			}
		case stages == 2:
			i.instruction(t, word, rest)
		}
	}
	return i
}

// pinned is a tag of one version, not of whatever is the newest.
var pinned = regexp.MustCompile(`:v?\d+\.\d+\.\d+(-[a-z0-9.]+)?$`)

// buildCommand is the line of the Dockerfile that makes /out/grantor.
func buildCommand(dockerfile string) string {
	return regexp.MustCompile(`(?m)^RUN (.*go build.*)$`).FindStringSubmatch(dockerfile)[1]
}

func (i *image) instruction(t *testing.T, word, rest string) {
	t.Helper()
	switch word {
	case "COPY":
		i.copies = append(i.copies, rest)
	case "ENV":
		for pair := range strings.FieldsSeq(rest) {
			name, value, _ := strings.Cut(pair, "=")
			i.environment[name] = value
		}
	case "USER":
		i.user = rest
	case "VOLUME":
		i.volumes = append(i.volumes, rest)
	case "EXPOSE":
	case "HEALTHCHECK":
		_, command, _ := strings.Cut(rest, "CMD ")
		i.health = words(t, command)
	case "ENTRYPOINT":
		i.entry = words(t, rest)
	case "CMD":
		i.args = words(t, rest)
	default:
		t.Errorf("the last stage has a %s %s: what would it run with?", word, rest)
	}
}

// words reads the form of a command that needs no shell.
func words(t *testing.T, command string) (list []string) {
	t.Helper()
	if err := json.Unmarshal([]byte(command), &list); err != nil {
		t.Errorf("%s wants a shell: %v", command, err)
	}
	return list
}

func TestImageHoldsTheBinaryAlone(t *testing.T) {
	i := readImage(t)
	want := []string{
		"--from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/",
		"--from=build /out/grantor /grantor",
		"--from=build --chown=65532:65532 /out/root/ /",
	}
	if !slices.Equal(i.copies, want) {
		t.Errorf("the image holds %q, and is tried with %q", i.copies, want)
	}
	if i.user != "65532:65532" {
		t.Errorf("user %s: Kubernetes proves a number alone not to be root", i.user)
	}
	if !slices.Equal(i.entry, []string{"/grantor"}) || !slices.Equal(i.args, []string{"serve"}) || !slices.Equal(i.health, []string{"/grantor", "healthcheck"}) {
		t.Errorf("it runs %q %q and is asked by %q", i.entry, i.args, i.health)
	}
	if !slices.Equal(i.volumes, []string{"/data"}) || i.environment["GRANTOR_STORE"] != "bolt:/data/grantor.db" {
		t.Errorf("volumes %q, variables %v: the store lies in none of the volumes", i.volumes, i.environment)
	}
}

// What was tried is what is delivered.
func TestImageIsBuiltAsMakeBuilds(t *testing.T) {
	_, made, _ := strings.Cut(read(t, "Makefile"), "\nbuild:")
	made, _, _ = strings.Cut(made, "\n\n")
	_, made, _ = strings.Cut(made, "\n\t")
	same := strings.NewReplacer("$(VERSION)", "${VERSION}", "-o bin/grantor", "-o /out/grantor").Replace(strings.TrimSpace(made))
	if got := buildCommand(read(t, "Dockerfile")); got != same {
		t.Errorf("the image is built by\n%s\nand make build does\n%s", got, same)
	}
}

func TestSecretsStayOutOfTheBuild(t *testing.T) {
	ignored := strings.Split(read(t, ".dockerignore"), "\n")
	for _, path := range []string{".env", ".git", "data"} {
		if !slices.Contains(ignored, path) {
			t.Errorf(".dockerignore does not name %s", path)
		}
	}
	if !slices.Contains(strings.Split(read(t, ".gitignore"), "\n"), ".env") {
		t.Error(".gitignore does not name .env")
	}
}
