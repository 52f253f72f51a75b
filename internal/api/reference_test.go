package api

import (
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/tipring/tipring/internal/acs"
)

const reference = "../../docs/reference.md"

// rows are what the lines of the reference have that fit the pattern.
func rows(t *testing.T, pattern string) []string {
	t.Helper()
	page, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, m := range regexp.MustCompile("(?m)"+pattern).FindAllSubmatch(page, -1) {
		row := string(m[1])
		if len(m) > 2 {
			row += " " + string(m[2])
		}
		list = append(list, row)
	}
	return list
}

// same says which of the two lists lacks what.
func same(t *testing.T, documented, there []string) {
	t.Helper()
	for _, row := range there {
		if !slices.Contains(documented, row) {
			t.Errorf("%s is not in %s", row, reference)
		}
	}
	for _, row := range documented {
		if !slices.Contains(there, row) {
			t.Errorf("%s is in %s and nowhere else", row, reference)
		}
	}
}

func TestTheReferenceHasEveryPath(t *testing.T) {
	var there []string
	err := chi.Walk((&api{}).router(), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		there = append(there, method+" "+route)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, rows(t, "^\\| `([A-Z]+ /(?:calling|v1|tipring)/[^`]*)` \\|"), there)
}

func TestTheReferenceHasEveryRefusal(t *testing.T) {
	there := []string{
		strconv.Itoa(http.StatusUnauthorized) + " " + acs.CodeUnauthorized,
		strconv.Itoa(http.StatusUnauthorized) + " " + acs.CodeDenied,
		strconv.Itoa(http.StatusServiceUnavailable) + " " + acs.CodeUnavailable,
		strconv.Itoa(http.StatusRequestEntityTooLarge) + " " + acs.CodeInvalid,
	}
	for _, v := range verdicts {
		there = append(there, strconv.Itoa(v.status)+" "+v.code)
	}
	for _, own := range ownVerdicts {
		there = append(there, strconv.Itoa(own.verdict.status)+" "+own.verdict.code)
	}
	same(t, rows(t, `^\| (\d{3}) \| (\w+) \|`), there)
}
