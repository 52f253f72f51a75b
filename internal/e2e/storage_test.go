package e2e_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// A storage is where an app fetches its recordings: what it knows is its
// connection string and the CA.
type storage struct {
	client   *http.Client
	key      []byte
	endpoint string // host:port of the connection string
}

// storage is the recordings of the server, seen by an app that knows its HTTPS
// endpoint or, when plain, its HTTP endpoint.
func (s *server) storage(t *testing.T, plain bool) *storage {
	t.Helper()
	pem, err := os.ReadFile(s.caFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	place, encoded, _ := strings.Cut(s.connection, ";accesskey=")
	at, err := url.Parse(strings.TrimPrefix(place, "endpoint="))
	if err != nil {
		t.Fatal(err)
	}
	if plain {
		at.Host = s.http
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	return &storage{&http.Client{Transport: transport, Timeout: 10 * time.Second}, key, at.Host}
}

// ask makes a request as Azure's clients do: signed is the location's path
// without its query, and the host of the endpoint.
func (s *storage) ask(t *testing.T, method, location, part string) (status int, header http.Header, body []byte) {
	t.Helper()
	at, err := url.Parse(location)
	if err != nil || at.Scheme != "https" {
		t.Fatalf("%q is no location: %v", location, err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, location, nil)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(nil)
	hash, date := base64.StdEncoding.EncodeToString(sum[:]), time.Now().UTC().Format(http.TimeFormat)
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(method + "\n" + at.EscapedPath() + "\n" + date + ";" + s.endpoint + ";" + hash))
	req.Header.Set("X-Ms-Host", s.endpoint)
	req.Header.Set("X-Ms-Date", date)
	req.Header.Set("X-Ms-Content-Sha256", hash)
	req.Header.Set("Authorization", "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature="+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	if part != "" {
		req.Header.Set("Range", part)
	}
	res, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err = io.ReadAll(res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, body
}

// A file is what RecordingFileStatusUpdated says of a recording's only chunk.
type file struct {
	DocumentID, ContentLocation, MetadataLocation, DeleteLocation string
	milliseconds                                                  int64 // of the recording
}

// recorded waits for the file of a recording.
func (w *world) recorded(t *testing.T, channel string) file {
	t.Helper()
	e := w.app.await(t, "RecordingFileStatusUpdated", 10*time.Second, nil)
	b, _ := json.Marshal(e.data)
	var data struct {
		RecordingStorageInfo struct{ RecordingChunks []file }
		RecordingDurationMs  int64
	}
	if err := json.Unmarshal(b, &data); err != nil || len(data.RecordingStorageInfo.RecordingChunks) != 1 {
		t.Fatalf("RecordingFileStatusUpdated has not one chunk: %s", b)
	}
	for name, want := range map[string]string{"recordingContentType": "Audio", "recordingChannelType": channel, "recordingFormatType": "Wav"} {
		if e.text(name) != want {
			t.Errorf("RecordingFileStatusUpdated: %s is %q, want %q", name, e.text(name), want)
		}
	}
	f := data.RecordingStorageInfo.RecordingChunks[0]
	f.milliseconds = data.RecordingDurationMs
	return f
}

// metadata is the page that describes a chunk.
type metadata struct {
	ChunkDocumentID      string
	ChunkDuration        int64
	CallID               string
	PauseResumeIntervals []struct{ Duration int64 }
	RecordingInfo        struct {
		AudioConfiguration struct{ SampleRate, Channels int }
	}
	Participants []struct {
		ParticipantID string
		Channel       *int
	}
}

// fetch downloads a recording, whole and in part, and what is said of it.
func (s *storage) fetch(t *testing.T, f file) (all []sound, m metadata) {
	t.Helper()
	status, header, whole := s.ask(t, "GET", f.ContentLocation, "")
	if status != http.StatusOK || header.Get("Content-Type") != "audio/wav" {
		t.Fatalf("contentLocation: %d, %s", status, header.Get("Content-Type"))
	}
	status, header, part := s.ask(t, "GET", f.ContentLocation, "bytes=100-299")
	if want := fmt.Sprintf("bytes 100-299/%d", len(whole)); status != http.StatusPartialContent || header.Get("Content-Range") != want || string(part) != string(whole[100:300]) {
		t.Errorf("a part of contentLocation: %d, %q, %d bytes", status, header.Get("Content-Range"), len(part))
	}
	if status, _, again := s.ask(t, "GET", f.ContentLocation, "bytes=undefined"); status != http.StatusOK || len(again) != len(whole) {
		t.Errorf("a Range without sense: %d, %d bytes of %d", status, len(again), len(whole))
	}
	status, _, page := s.ask(t, "GET", f.MetadataLocation, "")
	if err := json.Unmarshal(page, &m); err != nil || status != http.StatusOK {
		t.Fatalf("metadataLocation: %d, %v: %s", status, err, page)
	}
	all, err := channels(whole)
	if err != nil {
		t.Fatal(err)
	}
	if a := m.RecordingInfo.AudioConfiguration; a.SampleRate != all[0].rate || a.Channels != len(all) || all[0].rate != 16000 {
		t.Errorf("the metadata says %+v, the file has %d channels of %d Hz", a, len(all), all[0].rate)
	}
	if ms := all[0].length().Milliseconds(); m.ChunkDuration != ms || f.milliseconds != ms || m.ChunkDocumentID != f.DocumentID {
		t.Errorf("a file of %d ms is described as %d and %d ms, document %q and %q", ms, m.ChunkDuration, f.milliseconds, m.ChunkDocumentID, f.DocumentID)
	}
	return all, m
}

// remove deletes a recording, after which nothing is there.
func (s *storage) remove(t *testing.T, f file) {
	t.Helper()
	if status, _, body := s.ask(t, "DELETE", f.DeleteLocation, ""); status != http.StatusOK {
		t.Errorf("deleteLocation: %d %s", status, body)
	}
	for _, location := range []string{f.ContentLocation, f.MetadataLocation} {
		if status, _, body := s.ask(t, "GET", location, ""); status != http.StatusNotFound || len(body) != 0 {
			t.Errorf("after the delete: %d %q, want 404 and nothing", status, body)
		}
	}
	if status, _, body := s.ask(t, "DELETE", f.DeleteLocation, ""); status != http.StatusNotFound || len(body) != 0 {
		t.Errorf("the second delete: %d %q, want 404 and nothing", status, body)
	}
}
