// Command s3 is an object store that speaks S3, in memory, for tests: the server that rclone serve s3 is made of. It checks
// signatures against AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, makes the bucket that it is given, and prints its address.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: s3 BUCKET")
		os.Exit(2)
	}
	if err := serve(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "s3:", err)
		os.Exit(1)
	}
}

func serve(bucket string) error {
	b := backend{s3mem.New()}
	if err := b.CreateBucket(context.Background(), bucket); err != nil {
		return err
	}
	keys := map[string]string{os.Getenv("AWS_ACCESS_KEY_ID"): os.Getenv("AWS_SECRET_ACCESS_KEY")}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	s := http.Server{Handler: gofakes3.New(b, gofakes3.WithV4Auth(keys)).Server(), ReadHeaderTimeout: 10 * time.Second}
	return s.Serve(l)
}

// backend takes an empty delimiter for none, as S3 does.
type backend struct{ *s3mem.Backend }

func (b backend) ListBucket(ctx context.Context, name string, p *gofakes3.Prefix, page gofakes3.ListBucketPage) (*gofakes3.ObjectList, error) {
	if p != nil && p.Delimiter == "" {
		p.HasDelimiter = false
	}
	return b.Backend.ListBucket(ctx, name, p, page)
}
