package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// One message of the stream is one group of commits. On the wire:
//
//	byte     version, 1
//	uvarint  number: one more than in the message before
//	uvarint  floor: messages with a lower stream sequence no longer count
//	uvarint  order of the first put
//	records, each
//	  byte     kind: remove, put or carry
//	  uvarint  length of the key, and the key
//	  uvarint  order            (carry only)
//	  uvarint  length of the value, and the value  (not remove)
//	uint32   CRC-32C of all before it, little endian
//
// A put takes the next order; a carry is an old put that was moved forward and
// keeps its own.
const (
	version = 1

	kindRemove = 0
	kindPut    = 1
	kindCarry  = 2

	checksumSize = 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errGarbled: bytes that this package did not write.
var errGarbled = errors.New("garbled message")

// head is what stands before the records.
type head struct {
	number uint64 // of the message, without gaps
	floor  uint64 // lowest stream sequence that counts
	order  uint64 // of the first put
}

// record is one line of a message; its value is message[off : off+size].
type record struct {
	kind  byte
	key   string
	order uint64
	off   int
	size  int
}

// group is a message in the making.
type group struct {
	head    head
	buf     []byte
	records []record
	puts    uint64
}

// begin starts a message over, in the memory of the last one.
func (g *group) begin(h head) {
	g.head, g.puts = h, 0
	g.records = g.records[:0]
	g.buf = append(g.buf[:0], version)
	g.buf = binary.AppendUvarint(g.buf, h.number)
	g.buf = binary.AppendUvarint(g.buf, h.floor)
	g.buf = binary.AppendUvarint(g.buf, h.order)
}

// add writes a record as somebody committed it.
func (g *group) add(r Record) {
	if r.Value == nil {
		g.append(kindRemove, r.Key, 0, nil)
		return
	}
	g.append(kindPut, r.Key, g.head.order+g.puts, r.Value)
	g.puts++
}

// carry writes an old put again.
func (g *group) carry(key string, order uint64, value []byte) {
	g.append(kindCarry, key, order, value)
}

func (g *group) append(kind byte, key string, order uint64, value []byte) {
	r := record{kind: kind, key: key, order: order}
	g.buf = append(g.buf, kind)
	g.buf = binary.AppendUvarint(g.buf, uint64(len(key)))
	g.buf = append(g.buf, key...)
	if kind == kindCarry {
		g.buf = binary.AppendUvarint(g.buf, order)
	}
	if kind != kindRemove {
		g.buf = binary.AppendUvarint(g.buf, uint64(len(value)))
		r.off, r.size = len(g.buf), len(value)
		g.buf = append(g.buf, value...)
	}
	g.records = append(g.records, r)
}

// message gives the finished message. It is the group's own memory.
func (g *group) message() []byte {
	g.buf = binary.LittleEndian.AppendUint32(g.buf, crc32.Checksum(g.buf, castagnoli))
	return g.buf
}

// decode reads a message that message wrote. Its records point into msg.
func decode(msg []byte) (head, []record, error) {
	body, err := checked(msg)
	if err != nil {
		return head{}, nil, err
	}
	d := decoder{msg: body, off: 1}
	h := head{number: d.uvarint(), floor: d.uvarint(), order: d.uvarint()}
	order := h.order
	var records []record
	for d.err == nil && d.off < len(d.msg) {
		r := d.record()
		if r.kind == kindPut {
			r.order = order
			order++
		}
		records = append(records, r)
	}
	if d.err != nil {
		return head{}, nil, d.err
	}
	return h, records, nil
}

// checked gives a message without its checksum when that and the version are
// right.
func checked(msg []byte) ([]byte, error) {
	if len(msg) < 1+checksumSize {
		return nil, fmt.Errorf("%w: %d bytes", errGarbled, len(msg))
	}
	body := msg[:len(msg)-checksumSize]
	if binary.LittleEndian.Uint32(msg[len(body):]) != crc32.Checksum(body, castagnoli) {
		return nil, fmt.Errorf("%w: the checksum is wrong", errGarbled)
	}
	if body[0] != version {
		return nil, fmt.Errorf("%w: version %d", errGarbled, body[0])
	}
	return body, nil
}

// decoder walks through a message; the first error stays.
type decoder struct {
	msg []byte
	off int
	err error
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.msg[d.off:])
	if n <= 0 {
		d.fail()
		return 0
	}
	d.off += n
	return v
}

// bytes gives where the next n bytes are, n having been read from the message.
func (d *decoder) bytes() (off, size int) {
	n := d.uvarint()
	if n > uint64(len(d.msg)-d.off) {
		d.fail()
		return d.off, 0
	}
	off = d.off
	d.off += int(n)
	return off, int(n)
}

func (d *decoder) record() record {
	r := record{kind: d.msg[d.off]}
	d.off++
	if r.kind > kindCarry {
		d.fail()
		return r
	}
	off, size := d.bytes()
	r.key = string(d.msg[off : off+size])
	if r.kind == kindCarry {
		r.order = d.uvarint()
	}
	if r.kind != kindRemove {
		r.off, r.size = d.bytes()
	}
	return r
}

func (d *decoder) fail() {
	if d.err == nil {
		d.err = fmt.Errorf("%w: it ends or strays at byte %d", errGarbled, d.off)
	}
	d.off = len(d.msg)
}
