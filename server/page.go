package server

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"

	"google.golang.org/protobuf/proto"

	"prediag"
	pb "prediag/proto/prediag/v1"
)

// position is what a page token of a search holds: where the next page begins, in which generation, of which query.
type position struct {
	generation uint64
	offset     uint32
	query      [8]byte // first bytes of the hash of the request without page size and token
}

const tokenBytes = 8 + 4 + 8 + 4

// token writes a position as an opaque string with a checksum.
func (p position) token() string {
	raw := make([]byte, 0, tokenBytes)
	raw = binary.BigEndian.AppendUint64(raw, p.generation)
	raw = binary.BigEndian.AppendUint32(raw, p.offset)
	raw = append(raw, p.query[:]...)
	raw = binary.BigEndian.AppendUint32(raw, crc32.ChecksumIEEE(raw))
	return base64.RawURLEncoding.EncodeToString(raw)
}

// parseToken reads a token. What no server wrote is of kind prediag.ErrInvalid.
func parseToken(s string) (position, error) {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(raw) != tokenBytes || crc32.ChecksumIEEE(raw[:20]) != binary.BigEndian.Uint32(raw[20:]) {
		return position{}, prediag.Invalid("PAGE_TOKEN_INVALID", "page_token", "the page token is not one of this service: use next_page_token as it came")
	}
	p := position{generation: binary.BigEndian.Uint64(raw), offset: binary.BigEndian.Uint32(raw[8:])}
	copy(p.query[:], raw[12:])
	if p.offset > prediag.MaxOffset {
		return position{}, prediag.Invalid("PAGE_TOKEN_INVALID", "page_token", "the page token points beyond the last page")
	}
	return p, nil
}

// queryHash names what is searched for: two requests with the same hash page through the same results.
func queryHash(r *pb.SearchRequest) [8]byte {
	bare := proto.CloneOf(r)
	bare.PageSize, bare.PageToken = 0, ""
	sum := digest(bare)
	return [8]byte(sum[:8])
}

// digest is the hash of a message's content. Another version of the protobuf library may encode another order of bytes:
// then a page token, or a request_id from before the upgrade, is refused, and nothing worse.
func digest(m proto.Message) [sha256.Size]byte {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil { // text that is not UTF-8: refused before by the codec, and by validation afterwards
		raw = []byte(err.Error())
	}
	return sha256.Sum256(raw)
}
