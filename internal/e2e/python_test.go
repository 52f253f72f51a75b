package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// pythonProgram is the interpreter of the environment that 'make test' made.
var pythonProgram = filepath.Join("python", ".venv", "bin", "python")

// python is an app on Microsoft's Python package. What it trusts over HTTPS is
// the file that REQUESTS_CA_BUNDLE names.
var python = sdk{
	files: "files.asm.skype.com", // it sends its signature to Azure's domains only
	command: func(_ *testing.T, caFile string) *exec.Cmd {
		cmd := exec.Command(pythonProgram, filepath.Join("python", "app.py"))
		cmd.Env = append(os.Environ(), "REQUESTS_CA_BUNDLE="+caFile)
		return cmd
	},
}

// TestPython is a whole call by the Python package over each transport that it
// has: HTTPS from a connection string, as from_connection_string puts https://
// before any host, and HTTP or HTTPS from an endpoint and a key. The package is
// not changed for any of them.
func TestPython(t *testing.T) {
	t.Run("connection string", func(t *testing.T) {
		w := startWorldOf(t, python)
		w.must(t, "", "", "connect", w.connection)
		wholeCall(t, w, python)
	})
	t.Run("http endpoint", func(t *testing.T) {
		w := startWorldOf(t, python)
		w.must(t, "", "", "connectTo", "http://"+w.http, w.key())
		wholeCall(t, w, python)
	})
	t.Run("spellings", func(t *testing.T) {
		w := startWorldOf(t, python)
		secure := strings.TrimPrefix(strings.Split(w.connection, ";")[0], "endpoint=")
		for _, endpoint := range []string{"http://" + w.http + "/", secure, strings.TrimSuffix(secure, "/")} {
			w.must(t, "", "", "connectTo", endpoint, w.key())
			w.refused(t, 404, "8522", "", "no-such-call", "properties")
		}
	})
}

func TestPythonRefusals(t *testing.T) {
	refusals(t, python, "ResourceNotFoundError", "ClientAuthenticationError")
}
