package store

import (
	"encoding/binary"
	"errors"
	"time"
)

// The binary form of a record in every backend, without kind and id, which are its key:
//
//	format   1 byte, now 1
//	version  8 bytes, big endian
//	expires  8 bytes, Unix milliseconds, 0 for never
//	tags     uvarint count, then for each its uvarint length and its bytes
//	value    the rest
const (
	envelopeFormat = 1
	envelopeHead   = 1 + 8 + 8
)

var errEnvelope = errors.New("stored record is damaged or of an unknown format")

// Marshal gives the binary form under which a backend keeps the record.
func (r Record) Marshal() []byte {
	size := envelopeHead + binary.MaxVarintLen16 + len(r.Value)
	for _, tag := range r.Tags {
		size += binary.MaxVarintLen16 + len(tag)
	}
	b := make([]byte, 0, size)
	b = append(b, envelopeFormat)
	b = binary.BigEndian.AppendUint64(b, r.Version)
	b = binary.BigEndian.AppendUint64(b, uint64(millis(r.Expires)))
	b = binary.AppendUvarint(b, uint64(len(r.Tags)))
	for _, tag := range r.Tags {
		b = binary.AppendUvarint(b, uint64(len(tag)))
		b = append(b, tag...)
	}
	return append(b, r.Value...)
}

// Unmarshal reads what Marshal wrote. The record keeps no reference to b.
func Unmarshal(kind Kind, id string, b []byte) (Record, error) {
	if len(b) < envelopeHead || b[0] != envelopeFormat {
		return Record{}, errEnvelope
	}
	r := Record{Kind: kind, ID: id, Version: binary.BigEndian.Uint64(b[1:9])}
	if ms := int64(binary.BigEndian.Uint64(b[9:17])); ms != 0 {
		r.Expires = time.UnixMilli(ms)
	}
	b = b[envelopeHead:]
	count, n := binary.Uvarint(b)
	if n <= 0 || count > MaxTags {
		return Record{}, errEnvelope
	}
	b = b[n:]
	for range count {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return Record{}, errEnvelope
		}
		r.Tags = append(r.Tags, string(b[n:n+int(size)]))
		b = b[n+int(size):]
	}
	r.Value = append([]byte(nil), b...)
	return r, nil
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
