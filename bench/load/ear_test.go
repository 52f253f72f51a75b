package load

import "testing"

func TestEar(t *testing.T) {
	type packet struct {
		seq uint16
		ms  float64
	}
	sound, silence := []byte{1, 2}, []byte{0xff, 0x7f}
	for name, c := range map[string]struct {
		packets []packet
		want    Heard
	}{
		"regular":        {[]packet{{65534, 0}, {65535, 20}, {0, 40}, {1, 60}}, Heard{Packets: 4}},
		"a gap":          {[]packet{{1, 0}, {2, 20}, {5, 80}}, Heard{Packets: 3, Lost: 2}},
		"twice":          {[]packet{{1, 0}, {2, 20}, {2, 21}, {3, 40}}, Heard{Packets: 4, Duplicates: 1}},
		"exchanged":      {[]packet{{1, 0}, {3, 40}, {2, 41}, {4, 60}}, Heard{Packets: 4, Reordered: 1}},
		"one late":       {[]packet{{1, 0}, {2, 31}, {3, 40}, {4, 60}}, Heard{Packets: 4, Off: 2}}, // late, and early after it
		"a little late":  {[]packet{{1, 0}, {2, 29}, {3, 40}, {4, 60}}, Heard{Packets: 4}},
		"late after gap": {[]packet{{1, 0}, {4, 75}, {5, 95}}, Heard{Packets: 3, Lost: 2, Off: 1}},
	} {
		var e ear
		for _, p := range c.packets {
			e.packet(p.seq, sound, int64(p.ms*1e6))
		}
		e.heard.spacing = [grains + 1]uint64{}
		if e.heard != c.want {
			t.Errorf("%s: %+v, want %+v", name, e.heard, c.want)
		}
	}
	var e ear
	e.packet(1, silence, 0)
	e.packet(2, sound, 23_000_000)
	if e.heard.Silent != 1 || e.heard.Spacing(0.99) != 3 {
		t.Errorf("%d silent, %v ms off", e.heard.Silent, e.heard.Spacing(0.99))
	}
}
