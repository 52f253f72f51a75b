package api

import (
	"bytes"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tipring/tipring/internal/recording"
)

// oneRange is a part of a Range header.
var oneRange = regexp.MustCompile(`^\s*(\d{1,18}-\d{0,18}|-\d{1,18})\s*$`)

// sensible says whether a Range header means something. Clients were seen to
// send others ("bytes=undefined"), and to mean the whole.
func sensible(header string) bool {
	list, ok := strings.CutPrefix(header, "bytes=")
	if !ok || strings.Count(list, ",") > 7 {
		return false
	}
	for part := range strings.SplitSeq(list, ",") {
		if !oneRange.MatchString(part) {
			return false
		}
		from, to, _ := strings.Cut(strings.TrimSpace(part), "-")
		first, err1 := strconv.ParseInt(from, 10, 64)
		last, err2 := strconv.ParseInt(to, 10, 64)
		if err1 == nil && err2 == nil && first > last {
			return false
		}
	}
	return true
}

// metadataKind is the last part of the location of a recording's metadata. Any
// other is its sound.
const metadataKind = "acsmetadata"

// download serves a file of a recording or its metadata.
func (a *api) download(w http.ResponseWriter, r *http.Request) {
	x := exchange{request: r}
	document := x.param("document")
	if !sensible(r.Header.Get("Range")) {
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
