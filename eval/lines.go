package eval

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"prediag"
)

// Limits on what is read.
const (
	maxLineBytes  = 1 << 20 // one line
	maxInputBytes = 1 << 31 // one file, unpacked
)

// open unpacks r when it starts with gzip's magic number, and bounds what can be read from it.
func open(r io.Reader) (io.Reader, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	magic, err := in.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return &bounded{in, maxInputBytes}, nil
	}
	unpacked, err := gzip.NewReader(in)
	if err != nil {
		return nil, err
	}
	return &bounded{unpacked, maxInputBytes}, nil
}

// bounded fails, where io.LimitedReader would end early as if the input were complete.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("over %d bytes unpacked; split the file: %w", maxInputBytes, prediag.ErrTooLarge)
	}
	return n, err
}

// scan calls each for every line with its number, starting at 1. Errors name the input and the line.
func scan(r io.Reader, name string, each func(line []byte) error) error {
	in, err := open(r)
	if err != nil {
		return fmt.Errorf("%s: %w", name, damaged(err))
	}
	s := bufio.NewScanner(in)
	s.Buffer(make([]byte, 0, 1<<16), maxLineBytes)
	number := 1
	for ; s.Scan(); number++ {
		line := s.Bytes()
		if number == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if err := each(line); err != nil {
			return prediag.Invalid("LINE_INVALID", name, fmt.Sprintf("%s, line %d: %v", name, number, err))
		}
	}
	if errors.Is(s.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("%s, line %d: over %d bytes: %w", name, number, maxLineBytes, prediag.ErrTooLarge)
	}
	if s.Err() != nil {
		return fmt.Errorf("%s, line %d: %w", name, number, damaged(s.Err()))
	}
	return nil
}

// eachLine calls each with the columns of every line that is neither blank nor a comment, which starts with "#" as in
// trec_eval.
func eachLine(r io.Reader, name string, each func(fields []string) error) error {
	return scan(r, name, func(line []byte) error {
		fields := strings.Fields(string(line))
		if len(fields) == 0 || fields[0][0] == '#' {
			return nil
		}
		return each(fields)
	})
}

// damaged gives an error of the packed format the kind ErrDamaged.
func damaged(err error) error {
	if errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("not a whole gzip file (%w); fetch it again: %w", err, prediag.ErrDamaged)
	}
	return err
}

// checkIDs refuses IDs that the white-space separated formats cannot hold; the first one stands at a line's beginning.
func checkIDs(ids ...string) error {
	for i, id := range ids {
		if id == "" || i == 0 && id[0] == '#' || strings.ContainsFunc(id, unicode.IsSpace) {
			return prediag.Invalid("ID_INVALID", "id",
				fmt.Sprintf("the id %.80q is empty, begins a line with # or holds white space, which TREC files cannot hold; rename it", id))
		}
	}
	return nil
}
