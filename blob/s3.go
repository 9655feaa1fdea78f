package blob

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"prediag"
)

const (
	attempts    = 3 // of one request, the first included
	partSize    = 16 << 20
	listTimeout = 5 * time.Minute
)

// S3Config says which bucket of which server.
type S3Config struct {
	Endpoint  string // HOST:PORT
	Plain     bool   // without TLS
	Bucket    string
	Prefix    string // of the names of all objects; empty, or ends with a slash
	Region    string
	PathStyle bool   // the bucket stands in the path of the address and not before its host
	CA        string // file of the certificates to trust, PEM; empty: the system's
}

// ParseS3 reads an address s3://BUCKET/PREFIX?endpoint=https://HOST:PORT&region=REGION&path-style=true&ca=FILE. Without
// endpoint it is Amazon's. What is unknown, or a key or secret, is refused: those come from the environment
// (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY) or from the file that AWS_SHARED_CREDENTIALS_FILE names.
func ParseS3(address string) (S3Config, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "s3" || u.Host == "" || u.User != nil {
		return S3Config{}, invalid("the store's address is not s3://BUCKET/PREFIX?endpoint=https://HOST:PORT; keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	c := S3Config{Endpoint: "s3.amazonaws.com", Bucket: u.Host, Prefix: strings.Trim(u.Path, "/")}
	if c.Prefix != "" {
		c.Prefix += "/"
	}
	for name, values := range u.Query() {
		value := values[len(values)-1]
		switch name {
		case "endpoint":
			e, err := url.Parse(value)
			if err != nil || e.Host == "" || e.Scheme != "http" && e.Scheme != "https" || strings.Trim(e.Path, "/") != "" || e.User != nil {
				return c, invalid("the store's endpoint is not https://HOST:PORT")
			}
			c.Endpoint, c.Plain = e.Host, e.Scheme == "http"
		case "region":
			c.Region = value
		case "ca":
			c.CA = value
		case "path-style":
			if c.PathStyle, err = strconv.ParseBool(value); err != nil {
				return c, invalid("path-style in the store's address is true or false")
			}
		default:
			return c, invalid("the store's address has the unknown option %.64q; it takes endpoint, region, path-style and ca", name)
		}
	}
	return c, nil
}

// S3 is a store in a bucket. A list shows every object whose writing has ended, as S3 and the servers made after it promise.
type S3 struct {
	core     minio.Core
	config   S3Config
	patience time.Duration

	transport *http.Transport
}

// NewS3 returns the store in a bucket, which must be there.
func NewS3(c S3Config, patience time.Duration) (*S3, error) {
	transport, err := newTransport(c, patience)
	if err != nil {
		return nil, err
	}
	lookup := minio.BucketLookupAuto
	if c.PathStyle {
		lookup = minio.BucketLookupPath
	}
	core, err := minio.NewCore(c.Endpoint, &minio.Options{
		Creds: credentials.NewChainCredentials([]credentials.Provider{
			&credentials.EnvAWS{}, &credentials.EnvMinio{}, &credentials.FileAWSCredentials{},
		}),
		Secure: !c.Plain, Region: c.Region, BucketLookup: lookup, Transport: transport, MaxRetries: attempts,
	})
	if err != nil {
		return nil, invalid("the store's address: %v", err)
	}
	return &S3{core: *core, config: c, patience: patience, transport: transport}, nil
}

func newTransport(c S3Config, patience time.Duration) (*http.Transport, error) {
	t := &http.Transport{
		Proxy:       http.ProxyFromEnvironment,
		DialContext: (&net.Dialer{Timeout: min(patience, 5*time.Second)}).DialContext, TLSHandshakeTimeout: min(patience, 10*time.Second),
		ResponseHeaderTimeout: patience, IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: 4, DisableCompression: true,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if c.CA == "" {
		return t, nil
	}
	raw, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, invalid("the certificates to trust cannot be read: %v", err)
	}
	t.TLSClientConfig.RootCAs = x509.NewCertPool()
	if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(raw) {
		return nil, invalid("the file %q holds no certificate in PEM", c.CA)
	}
	return t, nil
}

// where is the address as it may be shown.
func (s *S3) where() string { return "s3://" + s.config.Bucket + "/" + s.config.Prefix }

// fault gives an error of the server or the network a kind.
func (s *S3) fault(ctx context.Context, name string, err error) error {
	var known *prediag.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	if ctx.Err() != nil && !errors.Is(context.Cause(ctx), errStalled) {
		return ctx.Err()
	}
	switch r := minio.ToErrorResponse(err); {
	case r.Code == minio.NoSuchKey:
		return notFound(name)
	case r.Code == minio.NoSuchBucket:
		return invalid("the store %q has no such bucket; make it first", s.where())
	case r.StatusCode == http.StatusForbidden || r.StatusCode == http.StatusUnauthorized:
		return invalid("the store %q refuses (%s); see AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, the region and the rights", s.where(), r.Code)
	}
	return unreachable(s.where(), err)
}

var errStalled = errors.New("no progress")

// stall cancels a context when progress was made last longer ago than the patience.
type stall struct {
	timer    *time.Timer
	patience time.Duration
}

func (s *S3) watch(ctx context.Context) (context.Context, *stall, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &stall{time.AfterFunc(s.patience, func() { cancel(errStalled) }), s.patience}
	return ctx, w, func() { w.timer.Stop(); cancel(nil) }
}

func (w *stall) progress() { w.timer.Reset(w.patience) }

// Put writes an object.
func (s *S3) Put(ctx context.Context, name string, r io.ReadSeeker, size int64) error {
	if err := checkName(name); err != nil {
		return err
	}
	ctx, watch, stop := s.watch(ctx)
	defer stop()
	watch.timer.Reset(attempts * s.patience) // a small object is read at once, and then sent up to so many times
	_, err := s.core.Client.PutObject(ctx, s.config.Bucket, s.config.Prefix+name, watched(r, watch), size, minio.PutObjectOptions{
		ContentType: "application/octet-stream", PartSize: partSize, NumThreads: 1, SendContentMd5: true,
	})
	return s.fault(ctx, name, err)
}

// watched is the reader, which keeps what it can do, and tells of its progress.
func watched(r io.ReadSeeker, w *stall) io.ReadSeeker {
	if at, ok := r.(io.ReaderAt); ok {
		return struct {
			watchedReader
			io.ReaderAt
		}{watchedReader{r, w}, watchedAt{at, w}}
	}
	return watchedReader{r, w}
}

type watchedReader struct {
	io.ReadSeeker
	watch *stall
}

func (r watchedReader) Read(p []byte) (int, error) {
	r.watch.timer.Reset(attempts * r.watch.patience)
	return r.ReadSeeker.Read(p)
}

type watchedAt struct {
	io.ReaderAt
	watch *stall
}

func (r watchedAt) ReadAt(p []byte, off int64) (int, error) {
	r.watch.timer.Reset(attempts * r.watch.patience)
	return r.ReaderAt.ReadAt(p, off)
}

// Get reads an object.
func (s *S3) Get(ctx context.Context, name string) (io.ReadCloser, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	ctx, watch, stop := s.watch(ctx)
	body, _, _, err := s.core.GetObject(ctx, s.config.Bucket, s.config.Prefix+name, minio.GetObjectOptions{})
	if err != nil {
		err = s.fault(ctx, name, err)
		stop()
		return nil, err
	}
	return &download{ctx: ctx, store: s, name: name, body: body, watch: watch, stop: stop}, nil
}

// download is the body of an object under way.
type download struct {
	ctx   context.Context
	store *S3
	name  string
	body  io.ReadCloser
	watch *stall
	stop  func()
}

func (d *download) Read(p []byte) (int, error) {
	n, err := d.body.Read(p)
	if n > 0 {
		d.watch.progress()
	}
	if err != nil && !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = d.store.fault(d.ctx, d.name, err)
	}
	return n, err
}

func (d *download) Close() error {
	defer d.stop()
	return d.body.Close()
}

// List calls each for the objects.
func (s *S3) List(ctx context.Context, prefix string, each func(name string, size int64, modified time.Time) error) error {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	ctx, watch, stop := s.watch(ctx)
	defer stop()
	watch.timer.Reset(attempts * s.patience)
	for o := range s.core.ListObjectsIter(ctx, s.config.Bucket, minio.ListObjectsOptions{Prefix: s.config.Prefix + prefix, Recursive: true}) {
		if o.Err != nil {
			return s.fault(ctx, prefix, o.Err)
		}
		watch.timer.Reset(attempts * s.patience)
		name, ok := strings.CutPrefix(o.Key, s.config.Prefix)
		if !ok || strings.HasSuffix(name, "/") {
			continue // a folder, as some consoles make them
		}
		if err := each(name, o.Size, o.LastModified); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return s.fault(ctx, prefix, fmt.Errorf("list: %w", context.Cause(ctx)))
	}
	return nil
}

// Delete removes an object.
func (s *S3) Delete(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	ctx, watch, stop := s.watch(ctx)
	defer stop()
	watch.timer.Reset(attempts * s.patience)
	err := s.core.Client.RemoveObject(ctx, s.config.Bucket, s.config.Prefix+name, minio.RemoveObjectOptions{})
	if err = s.fault(ctx, name, err); errors.Is(err, prediag.ErrNotFound) {
		return nil
	}
	return err
}

// closeIdle closes the connections that wait for a next call.
func (s *S3) closeIdle() { s.transport.CloseIdleConnections() }
