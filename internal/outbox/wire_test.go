package outbox

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func sample() Item {
	return Item{
		ID: "id", Key: "connection http://a", URL: "http://a/?x=ä", Type: "CallConnected", Life: 24 * time.Hour,
		Header: map[string]string{"Content-Type": "application/json", "Aeg-Event-Type": "Notification"},
		Body:   []byte(`[{"id":"id"}]`), Created: time.Unix(1_700_000_000, 123),
	}
}

func TestRecordsAreReadAsTheyWereWritten(t *testing.T) {
	it := sample()
	got, order, err := unmarshalItem(marshalItem(&it, 77))
	if err != nil || order != 77 || cmp.Diff(it, got) != "" {
		t.Errorf("%d %v\n%s", order, err, cmp.Diff(it, got))
	}
	l := Letter{Obituary: Obituary{"refused", "the answer was 400", 9}, At: time.Unix(1_700_000_100, 0), Item: it}
	back, err := unmarshalLetter(marshalLetter(&l))
	if err != nil || cmp.Diff(l, back) != "" {
		t.Errorf("%v\n%s", err, cmp.Diff(l, back))
	}
	whole := marshalLetter(&l)
	for n := range len(whole) - len(it.Body) {
		if _, err := unmarshalLetter(whole[:n]); err == nil {
			t.Errorf("%d bytes of %d make a letter", n, len(whole))
		}
	}
}

func FuzzRecords(f *testing.F) {
	it := sample()
	f.Add(marshalItem(&it, 1))
	f.Add(marshalLetter(&Letter{Item: it}))
	f.Add([]byte{1, 0, 0, 0, 1, 'x', 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if it, order, err := unmarshalItem(b); err == nil {
			again, n, err := unmarshalItem(marshalItem(&it, order))
			if err != nil || n != order || again.ID != it.ID || len(again.Header) != len(it.Header) || string(again.Body) != string(it.Body) {
				t.Errorf("%+v became %+v: %v", it, again, err)
			}
		}
		if l, err := unmarshalLetter(b); err == nil && l.Attempts < 0 {
			t.Errorf("%d attempts", l.Attempts)
		}
	})
}
