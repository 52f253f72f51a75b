package stream

import "github.com/tipring/tipring/media"

// TODO until media/resample stands.
func newSource(r media.SampleReader, rate media.Rate) (s media.Source, reset func()) {
	return media.SourceFunc(func(f *media.Frame) (int, error) { return r.ReadSamples(f.PCM()) }), func() {}
}

func newSink(rate media.Rate, next media.Sink) media.Sink { return next }
