package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v4"
)

// A File is a configuration file: YAML, whose keys are the names of the flags.
// It is a kong.Resolver, which comes last: a flag and a variable in the
// environment precede it.
type File struct {
	path   string
	values map[string]any
}

var _ kong.Resolver = (*File)(nil)

// Open reads the file at path.
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	defer f.Close()
	return Parse(path, f)
}

// Parse reads a file of that name from r. A key that is no flag is an error
// that names the key and its line.
func Parse(name string, r io.Reader) (*File, error) {
	file := &File{path: name, values: map[string]any{}}
	var doc yaml.Node
	err := yaml.NewDecoder(r).Decode(&doc)
	if errors.Is(err, io.EOF) {
		return file, nil
	}
	if err != nil {
		return nil, fmt.Errorf("--config %s: %w", name, err)
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("--config %s: expected lines such as 'http: 127.0.0.1:8080'", name)
	}
	known := flags()
	pairs := doc.Content[0].Content
	for i := 0; i+1 < len(pairs); i += 2 {
		key, value := pairs[i], pairs[i+1]
		if !known[key.Value] {
			return nil, fmt.Errorf("--config %s, line %d: unknown key %q", name, key.Line, key.Value)
		}
		if _, twice := file.values[key.Value]; twice {
			return nil, fmt.Errorf("--config %s, line %d: %s is there twice", name, key.Line, key.Value)
		}
		v, err := plain(value)
		if err != nil {
			return nil, fmt.Errorf("--config %s, line %d: %s: %w", name, value.Line, key.Value, err)
		}
		file.values[key.Value] = v
	}
	return file, nil
}

// flags are the names that a file may set.
func flags() map[string]bool {
	names := map[string]bool{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if name := f.Tag.Get("name"); name != "" {
			names[name] = true
		}
	}
	return names
}

// plain is a value as the command line would give it: the text of a scalar, or
// a list of such texts.
func plain(n *yaml.Node) (any, error) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch n.Kind {
	case yaml.ScalarNode:
		return n.Value, nil
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			if item.Kind != yaml.ScalarNode {
				return nil, errors.New("a list holds plain values only")
			}
			list = append(list, item.Value)
		}
		return list, nil
	}
	return nil, errors.New("expected a value or a list of values")
}

// Validate is part of kong.Resolver; Parse has checked everything.
func (f *File) Validate(*kong.Application) error { return nil }

// Resolve gives kong the value of a flag, unless the environment has one.
func (f *File) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	value, ok := f.values[flag.Name]
	if !ok {
		return nil, nil //nolint:nilnil // kong's way to say "not mine"
	}
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil //nolint:nilnil // as above
		}
	}
	return value, nil
}
