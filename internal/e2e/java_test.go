package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// javaClasses is where 'make test' compiles the app to.
var javaClasses = filepath.Join("java", "target", "classes")

// java is an app on Microsoft's Java package. What it trusts over HTTPS is the
// store that javax.net.ssl.trustStore names, which keytool makes of the CA.
//
// The package is 1.0.4: Maven Central lists no later one. Its parser answers
// PlayStarted, which came after it, with null.
var java = sdk{
	unknown: []string{"PlayStarted"},
	bare:    []string{"CallDisconnected"},
	files:   "localhost",
	command: func(t *testing.T, caFile string) *exec.Cmd {
		store := filepath.Join(t.TempDir(), "trusted.p12")
		out, err := exec.CommandContext(t.Context(), "keytool", "-importcert", "-noprompt", "-alias", "tipring",
			"-file", caFile, "-keystore", store, "-storetype", "PKCS12", "-storepass", "changeit").CombinedOutput()
		if err != nil {
			t.Fatalf("keytool: %v\n%s", err, out)
		}
		packages, err := os.ReadFile(filepath.Join("java", "target", "classpath"))
		if err != nil {
			t.Fatalf("the Java app is not built; run 'make test': %v", err)
		}
		cmd := exec.Command("java", "-XX:TieredStopAtLevel=1", // it lives too short for more
			"-Djavax.net.ssl.trustStore="+store, "-Djavax.net.ssl.trustStorePassword=changeit",
			"-cp", javaClasses+string(os.PathListSeparator)+strings.TrimSpace(string(packages)), "App")
		cmd.Env = os.Environ()
		return cmd
	},
}

// TestJava is a whole call by the Java package over HTTPS. There is no other
// transport: with a key it refuses an http:// endpoint before it sends anything.
func TestJava(t *testing.T) {
	w := startWorldOf(t, java)
	w.must(t, "", "", "connect", "endpoint=http://"+w.http+"/;accesskey="+w.key())
	if _, err := w.do(t, "", "some-call", "properties"); err == nil || err.StatusCode != 0 || !strings.Contains(err.Message, "HTTPS") {
		t.Errorf("plain HTTP: %v, want a refusal by the package itself", err)
	}
	w.must(t, "", "", "connect", w.connection)
	wholeCall(t, w, java)
}

func TestJavaRefusals(t *testing.T) {
	refusals(t, java, "CommunicationErrorResponseException", "CommunicationErrorResponseException")
}
