package journal_test

import (
	"slices"
	"testing"

	"github.com/tipring/tipring/internal/journal"
)

func FuzzDecode(f *testing.F) {
	f.Add(journal.Encode())
	f.Add(journal.Encode(put("call/1", "memo"), gone("item/1"), put("item/2", "carried"), put("empty", "")))
	f.Fuzz(func(t *testing.T, msg []byte) {
		said, err := journal.Decode(msg)
		if err != nil && said != nil {
			t.Error("something was read from a garbled message")
		}
		sealed := journal.Seal(slices.Clone(msg)) // past the checksum
		_, _ = journal.Decode(sealed)
	})
}

func TestDecodeReadsWhatEncodeWrote(t *testing.T) {
	records := []journal.Record{put("a", "1"), gone("b"), put("c", "carried"), put("d", ""), put("", "no key")}
	msg := journal.Encode(records...)
	got, err := journal.Decode(msg)
	if err != nil || len(got) != len(records) {
		t.Fatal(got, err)
	}
	for i, r := range got {
		if r.Key != records[i].Key || string(r.Value) != string(records[i].Value) {
			t.Errorf("%d: %q=%q", i, r.Key, r.Value)
		}
	}
	for i := range msg {
		bad := slices.Clone(msg)
		bad[i] ^= 0x10
		if _, err := journal.Decode(bad); err == nil {
			t.Errorf("byte %d was changed, and nobody noticed", i)
		}
		if _, err := journal.Decode(msg[:i]); err == nil {
			t.Errorf("cut at byte %d, and nobody noticed", i)
		}
	}
}
