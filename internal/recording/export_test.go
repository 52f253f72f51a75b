package recording

// Break lets every further write to the file fail, as a full disk does.
func (r *Recording) Break() { r.file.Close() }
