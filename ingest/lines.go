package ingest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
)

const (
	maxRatio   = 100      // decompressed bytes per compressed one
	ratioFloor = 1 << 20  // decompressed bytes that are always allowed
	maxNoLine  = 64 << 20 // bytes without a line end after which a file is given up
)

// errRatio ends the reading of a compressed file that unpacks to far more than any text does.
var errRatio = errors.New("compression ratio")

// offerLines reads a file of records and sends each of them, and after them the file itself.
func (r *refresh) offerLines(it Item, format string, f io.Reader, send func(*unit) error) error {
	whole := &unit{item: it, file: true}
	counted := &counter{r: f}
	var in io.Reader = counted
	if format == FormatJSONLGzip {
		z, err := gzip.NewReader(bufio.NewReaderSize(counted, 64<<10))
		if err != nil {
			whole.skip = SkipDamaged
			return send(whole)
		}
		in = &ratioReader{z: z, packed: counted}
	}
	lines := bufio.NewReaderSize(in, 256<<10)
	sent := 0
	for {
		line, reason, err := readLine(lines, r.spare(), r.opt.MaxItemBytes)
		torn := err != nil && !errors.Is(err, io.EOF) // the file says why, not its last piece
		if !torn && (reason != "" || len(bytes.TrimSpace(line)) > 0) {
			u := &unit{item: it, line: true, raw: line, skip: reason}
			if reason != "" {
				u.raw = nil
			}
			if err := send(u); err != nil {
				return err
			}
			sent++
		}
		if err != nil {
			if whole.skip = lineFault(err); whole.skip == "" && sent == 0 {
				whole.skip = SkipEmpty
			}
			return send(whole)
		}
	}
}

// lineFault is the reason for which the rest of a file of records cannot be read, empty at its end.
func lineFault(err error) string {
	switch {
	case errors.Is(err, io.EOF):
		return ""
	case errors.Is(err, errRatio):
		return SkipCompression
	case errors.Is(err, bufio.ErrTooLong):
		return SkipTooLarge
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader), errors.Is(err, io.ErrUnexpectedEOF):
		return SkipDamaged
	}
	return SkipUnreadable
}

// readLine reads one line without its end into the empty buf, or a larger one. A line over limit is passed over and gives a reason. The error, io.EOF at the
// end of the file, may come together with a last line.
func readLine(in *bufio.Reader, buf []byte, limit int64) (line []byte, reason string, err error) {
	line = buf
	passed := 0
	for {
		part, err := in.ReadSlice('\n')
		passed += len(part)
		if int64(passed) > limit+1 {
			line, reason = nil, SkipTooLarge
		} else {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull) && passed > maxNoLine:
			return nil, SkipTooLarge, bufio.ErrTooLong
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		}
		return bytes.TrimRight(line, "\r\n"), reason, err
	}
}

// counter counts what was read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// ratioReader fails once a compressed file unpacks to too much.
type ratioReader struct {
	z      io.Reader
	packed *counter
	n      int64
}

func (r *ratioReader) Read(p []byte) (int, error) {
	n, err := r.z.Read(p)
	r.n += int64(n)
	if r.n > ratioFloor && r.n > maxRatio*r.packed.n {
		return 0, errRatio
	}
	return n, err
}
