package recording

// Break lets every further write to the file fail, as a full disk does.
func (r *Recording) Break() { r.file.Close() }

// Behind is how many ticks were heard and are not in the file.
func (r *Recording) Behind() int {
	at := r.rec.Report()
	return int(r.rec.Now()) - int(at.Stop)
}

// WriteManifest writes it as it is now.
func (r *Recording) WriteManifest(lasting bool) error { return r.store.write(r.describe(), lasting) }
