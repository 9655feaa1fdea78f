// Package blob keeps objects by name where several machines see them: in a folder that they share, or in a bucket of an
// object store that speaks S3. An object is written as a whole or not at all, and no call waits for ever.
package blob

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"strings"
	"time"

	"prediag"
)

// Store keeps objects. The methods may be called from many goroutines.
//
// A store that does not answer gives an error of kind prediag.ErrNotReady within a bounded time, one that refuses an error
// of kind prediag.ErrInvalid.
type Store interface {
	// Put writes an object of size bytes, in place of one that has the name.
	Put(ctx context.Context, name string, r io.ReadSeeker, size int64) error
	// Get reads an object. The error is of kind prediag.ErrNotFound when there is none.
	Get(ctx context.Context, name string) (io.ReadCloser, error)
	// List calls each for every object whose name begins with the prefix; modified is by the store's clock.
	List(ctx context.Context, prefix string, each func(name string, size int64, modified time.Time) error) error
	// Delete removes an object; one that is not there is no error.
	Delete(ctx context.Context, name string) error
}

// DefaultPatience is how long a store may make no progress before a call gives up.
const DefaultPatience = 20 * time.Second

// Open returns the store at an address: a folder (a path or file:///PATH), or s3://BUCKET/PREFIX, see ParseS3. It does not
// ask the store. patience is how long a store may make no progress; 0 means DefaultPatience.
func Open(address string, patience time.Duration) (Store, error) {
	if patience <= 0 {
		patience = DefaultPatience
	}
	scheme, _, ok := strings.Cut(address, "://")
	switch {
	case address == "":
		return nil, invalid("the address of the store is empty")
	case !ok:
		return NewFolder(address, patience)
	case scheme == "file":
		u, err := url.Parse(address)
		if err != nil || u.Host != "" && u.Host != "localhost" {
			return nil, invalid("the address %q of the store is not file:///PATH", address)
		}
		return NewFolder(u.Path, patience)
	case scheme == "s3":
		c, err := ParseS3(address)
		if err != nil {
			return nil, err
		}
		return NewS3(c, patience)
	}
	return nil, invalid("the store's address begins with %q; name a folder, or s3://BUCKET/PREFIX", scheme+"://")
}

func checkName(name string) error {
	if !fs.ValidPath(name) || name == "." || len(name) > 512 || strings.HasPrefix(lastPart(name), tempMark) {
		return invalid("%.64q is no name for an object", name)
	}
	return nil
}

func lastPart(name string) string { return name[strings.LastIndex(name, "/")+1:] }

func invalid(format string, args ...any) error {
	return prediag.Invalid("STORE_INVALID", "store", fmt.Sprintf(format, args...))
}

func notFound(name string) error {
	return &prediag.Error{Kind: prediag.ErrNotFound, Reason: "OBJECT_NOT_FOUND", Message: fmt.Sprintf("the store has no object %q", name)}
}

func unreachable(where string, err error) error {
	return &prediag.Error{Kind: prediag.ErrNotReady, Reason: "STORE_UNREACHABLE", RetryAfter: 10 * time.Second, Err: err,
		Message: fmt.Sprintf("the store %q does not answer; what is here serves on", where)}
}
