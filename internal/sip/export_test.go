package sip

// For the fuzz targets.
var (
	FragmentStatus = fragmentStatus
	URIHeaders     = uriHeaders
	CheckHeaders   = checkHeaders
)
