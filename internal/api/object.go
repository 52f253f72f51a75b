package api

import (
	"bytes"
	"errors"
	"net/http"
	"regexp"
	"time"

	"github.com/tipring/tipring/internal/recording"
)

// byteRange is a Range header that makes sense. Clients were seen to send
// others ("bytes=undefined"), and mean the whole.
var byteRange = regexp.MustCompile(`^bytes=\s*(\d{1,18}-\d{0,18}|-\d{1,18})\s*(,\s*(\d{1,18}-\d{0,18}|-\d{1,18})\s*){0,7}$`)

// metadataKind is the last part of the location of a recording's metadata. Any
// other is its sound.
const metadataKind = "acsmetadata"

// download serves a file of a recording or its metadata.
func (a *api) download(w http.ResponseWriter, r *http.Request) {
	x := exchange{request: r}
	document := x.param("document")
	if !byteRange.MatchString(r.Header.Get("Range")) {
		r.Header.Del("Range")
	}
	if x.param("kind") == metadataKind {
		page, err := a.Objects.Metadata(document)
		if err != nil {
			a.objectFailed(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(page))
		return
	}
	content, info, err := a.Objects.Open(document)
	if err != nil {
		a.objectFailed(w, r, err)
		return
	}
	defer content.Close()
	w.Header().Set("Content-Type", info.ContentType)
	if info.ContentType == "" {
		w.Header().Set("Content-Type", "application/octet-stream")
	}
	http.ServeContent(w, r, "", info.ModTime, content)
}

// remove deletes a file of a recording and its metadata.
func (a *api) remove(w http.ResponseWriter, r *http.Request) {
	x := exchange{request: r}
	if err := a.Objects.Delete(x.param("document")); err != nil {
		a.objectFailed(w, r, err)
		return
	}
	w.WriteHeader(http.StatusOK)
}

func (a *api) objectFailed(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, recording.ErrNotFound) {
		a.count("not found")
		w.WriteHeader(http.StatusNotFound)
		return
	}
	a.Log.Error("recording could not be served", "method", r.Method, "path", r.URL.Path, "error", err)
	a.count("internal")
	w.WriteHeader(http.StatusInternalServerError)
}
