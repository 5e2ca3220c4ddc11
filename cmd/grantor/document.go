package main

import (
	"bytes"
	"errors"
	"io"

	"github.com/knadh/koanf/v2"
	yamlv3 "go.yaml.in/yaml/v3"
)

// oneDocument reads YAML, and refuses a file of several documents: all but the first would be passed over.
type oneDocument struct{ koanf.Parser }

// Unmarshal is part of koanf.Parser.
func (p oneDocument) Unmarshal(content []byte) (map[string]any, error) {
	if err := checkOneDocument(content); err != nil {
		return nil, err
	}
	return p.Parser.Unmarshal(content)
}

// checkOneDocument leaves every other fault to who reads the document.
func checkOneDocument(content []byte) error {
	documents := yamlv3.NewDecoder(bytes.NewReader(content))
	var first, second yamlv3.Node
	if documents.Decode(&first) != nil {
		return nil
	}
	if len(first.Content) > 0 && first.Content[0].Anchor != "" { // yaml may pass over what stands behind it
		return errors.New("an anchor stands before all of it: leave it out")
	}
	if err := documents.Decode(&second); !errors.Is(err, io.EOF) {
		return errors.New("it holds several YAML documents (a line of three hyphens between them): write one")
	}
	return nil
}
