package floors

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

const reference = "../../docs/reference.md"

// structs finds the structs of some folders by their names.
func structs(t *testing.T, folders ...string) map[string]*ast.StructType {
	t.Helper()
	found := map[string]*ast.StructType{}
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if spec, ok := n.(*ast.TypeSpec); ok {
					if s, ok := spec.Type.(*ast.StructType); ok {
						found[spec.Name.Name] = s
					}
				}
				return true
			})
		}
	}
	return found
}

// typeName is the name of a field's type, without its package.
func typeName(f *ast.Field) string {
	switch t := f.Type.(type) {
	case *ast.Ident:
		return t.Name
	case *ast.SelectorExpr:
		return t.Sel.Name
	}
	return ""
}

func tagOf(f *ast.Field) reflect.StructTag {
	if f.Tag == nil {
		return ""
	}
	tag, _ := strconv.Unquote(f.Tag.Value)
	return reflect.StructTag(tag)
}

// flagsOf are the flags of a command, each with its default, if it has one.
func flagsOf(all map[string]*ast.StructType, s *ast.StructType) map[string]string {
	flags := map[string]string{}
	for _, f := range s.Fields.List {
		tag := tagOf(f)
		if _, embedded := tag.Lookup("embed"); embedded {
			for name, value := range flagsOf(all, all[typeName(f)]) {
				flags[name] = value
			}
			continue
		}
		if _, below := tag.Lookup("cmd"); below { // a command of the command
			for name, value := range flagsOf(all, all[typeName(f)]) {
				flags[name] = value
			}
			continue
		}
		_, positional := tag.Lookup("arg")
		for _, field := range f.Names {
			if positional || !field.IsExported() {
				continue
			}
			name := tag.Get("name")
			if name == "" {
				name = hyphened(field.Name)
			}
			flags[name] = tag.Get("default")
		}
	}
	return flags
}

// hyphened is the flag that a field becomes: MediaIP is media-ip.
func hyphened(field string) string {
	var b strings.Builder
	for i, c := range field {
		if i > 0 && unicode.IsUpper(c) && unicode.IsLower(rune(field[i-1])) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

// TestTheReferenceHasEveryCommandAndFlag: docs/reference.md against the structs
// of cmd/tipring.
func TestTheReferenceHasEveryCommandAndFlag(t *testing.T) {
	text, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{} // of commands, by name
	for _, section := range strings.Split(string(text), "\n### `tipring ")[1:] {
		name := regexp.MustCompile(`^\w+`).FindString(section)
		sections[name], _, _ = strings.Cut(section, "\n## ")
	}
	all := structs(t, "../../cmd/tipring", "../config")
	row := regexp.MustCompile("(?m)^\\| (`--.*?) \\| (.*?) \\|")
	flag := regexp.MustCompile("`--([a-z-]+)")
	for _, c := range all["commands"].Fields.List {
		command := hyphened(c.Names[0].Name)
		section, there := sections[command]
		if !there {
			t.Errorf("%s has no section `tipring %s`", reference, command)
		}
		delete(sections, command)
		s := all[typeName(c)]
		if s == nil {
			continue // then it does not compile either
		}
		flags := flagsOf(all, s)
		var documented []string
		for _, m := range row.FindAllStringSubmatch(section, -1) {
			for _, f := range flag.FindAllStringSubmatch(m[1], -1) {
				documented = append(documented, f[1])
				if value, ok := flags[f[1]]; !ok {
					t.Errorf("tipring %s has no flag --%s", command, f[1])
				} else if value != "" && m[2] != value {
					t.Errorf("%s: the default of %s --%s is %s, not %s", reference, command, f[1], value, m[2])
				}
			}
		}
		for name := range flags {
			if !slices.Contains(documented, name) {
				t.Errorf("%s lacks the flag --%s of tipring %s", reference, name, command)
			}
		}
	}
	for name := range sections {
		t.Errorf("%s has a section `tipring %s`, which is no command", reference, name)
	}
}
