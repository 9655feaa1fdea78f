package embed

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sashabaranov/go-openai"

	"prediag"
	"prediag/internal/vector"
)

const (
	attempts      = 4                // to get one batch
	firstPause    = time.Second      // before the second attempt; doubles
	longestPause  = 30 * time.Second // that an endpoint may ask for
	maxReplyBytes = 256 << 20
	maxFaultBytes = 64 << 10 // of a refusal that are read
	maxTailBytes  = 4 << 10  // that are read behind the vectors
	tripAfter     = 3        // failed queries in a row after which the endpoint rests
	firstRest     = 5 * time.Second
	longestRest   = time.Minute
)

// Clock is how an endpoint tells and spends time. The zero value is the system's.
type Clock struct {
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error // returns early with the context's error
}

func (c Clock) complete() Clock {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Sleep == nil {
		c.Sleep = func(ctx context.Context, d time.Duration) error {
			t := time.NewTimer(d)
			defer t.Stop()
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-t.C:
				return nil
			}
		}
	}
	return c
}

// Endpoint asks a service that speaks the /v1/embeddings protocol. It may be used by many goroutines at once.
type Endpoint struct {
	config Config
	clock  Clock
	// create is one method of the library's client: a field that holds the client would link in all of them, 400 KB.
	create func(context.Context, openai.EmbeddingRequestConverter) (openai.EmbeddingResponse, error)

	mu     sync.Mutex
	dims   int // of the vectors; 0: not known yet
	failed int // queries in a row
	rest   time.Duration
	until  time.Time // queries are not sent before
}

// NewEndpoint returns the embedder of a configuration that was checked. key is sent as a bearer token unless it is empty.
func NewEndpoint(c Config, key string, clock Clock) *Endpoint {
	guarded := &guard{maxReply: maxReplyBytes, client: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the key goes nowhere else
	}}
	return &Endpoint{config: c, clock: clock.complete(), dims: c.Dimensions, create: newClient(c.URL, key, guarded).CreateEmbeddings}
}

func newClient(address, key string, guarded *guard) *openai.Client {
	library := openai.DefaultConfig(key)
	library.BaseURL, library.HTTPClient = address, guarded
	return openai.NewClientWithConfig(library)
}

// ID names the model, its dimensions and the prefixes. The address is no part of it: a model may move.
func (e *Endpoint) ID() string {
	sum := sha256.Sum256([]byte(e.config.QueryPrefix + "\x00" + e.config.PassagePrefix))
	return fmt.Sprintf("endpoint %s/%d/%s", e.config.Model, e.config.Dimensions, hex.EncodeToString(sum[:4]))
}

// Query asks once. After three failures in a row it does not ask for 5 seconds, then 10, up to a minute, and fails at once: errors
// are of kind prediag.ErrNotReady unless ctx ended.
func (e *Endpoint) Query(ctx context.Context, text string) ([]float32, error) {
	if wait := e.resting(); wait > 0 {
		return nil, notReady("the endpoint failed %d times in a row and is asked again in %v", tripAfter, wait.Round(time.Millisecond))
	}
	vectors, _, err := e.ask(ctx, []string{e.config.QueryPrefix + text})
	var refused *refusedError
	if fault := errors.As(err, &refused) && refused.badInput(); !fault { // a text that is refused says nothing about the endpoint
		e.note(err == nil || errors.Is(ctx.Err(), context.Canceled))
	}
	if err != nil {
		return nil, err
	}
	return vectors[0], nil
}

func (e *Endpoint) resting() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.until.Sub(e.clock.Now())
}

// note counts failures in a row.
func (e *Endpoint) note(good bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if good {
		e.failed, e.rest, e.until = 0, 0, time.Time{}
		return
	}
	if e.failed++; e.failed >= tripAfter {
		e.rest = min(max(2*e.rest, firstRest), longestRest)
		e.until = e.clock.Now().Add(e.rest)
	}
}

// Passages asks in batches, each up to four times. A text that the endpoint refuses by itself gets no vector; where it refuses all of
// several, the texts are not to blame, and its refusal is returned.
func (e *Endpoint) Passages(ctx context.Context, texts []string) ([][]float32, error) {
	out := make([][]float32, 0, len(texts))
	for len(texts) > 0 {
		n := min(len(texts), e.config.Batch)
		batch := make([]string, n)
		for i, t := range texts[:n] {
			batch[i] = e.config.PassagePrefix + t
		}
		var last *refusedError
		vectors, err := e.insist(ctx, batch, &last)
		if err == nil && n > 1 && !slices.ContainsFunc(vectors, func(v []float32) bool { return v != nil }) {
			err = last
		}
		if err != nil {
			return nil, err
		}
		out, texts = append(out, vectors...), texts[n:]
	}
	return out, nil
}

// insist repeats what may work the next time, and cuts in half what the endpoint refuses, to find the text that it is about. last
// is the last refusal of a single text.
func (e *Endpoint) insist(ctx context.Context, batch []string, last **refusedError) ([][]float32, error) {
	pause := firstPause
	for attempt := 1; ; attempt++ {
		one, cancel := context.WithTimeout(ctx, time.Duration(e.config.Request))
		vectors, after, err := e.ask(one, batch)
		cancel()
		var refused *refusedError
		switch {
		case err == nil:
			return vectors, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.As(err, &refused) && refused.badInput() && len(batch) == 1:
			*last = refused
			return [][]float32{nil}, nil
		case errors.As(err, &refused) && refused.badInput():
			left, err := e.insist(ctx, batch[:len(batch)/2], last)
			if err != nil {
				return nil, err
			}
			right, err := e.insist(ctx, batch[len(batch)/2:], last)
			return append(left, right...), err
		case attempt == attempts || refused != nil && !refused.passing():
			return nil, err
		}
		if err := e.clock.Sleep(ctx, min(max(pause, after), longestPause)); err != nil {
			return nil, err
		}
		pause *= 2
	}
}

// ask sends one request. after is what the endpoint asks to wait before the next.
func (e *Endpoint) ask(ctx context.Context, texts []string) (vectors [][]float32, after time.Duration, err error) {
	reply, err := e.create(ctx, openai.EmbeddingRequestStrings{
		Input:          texts,
		Model:          openai.EmbeddingModel(e.config.Model),
		EncodingFormat: openai.EmbeddingEncodingFormatFloat,
		Dimensions:     e.config.Dimensions,
	})
	if err != nil {
		return nil, retryAfter(reply.Header()), fault(err)
	}
	vectors, err = e.read(reply.Data, len(texts))
	return vectors, 0, err
}

// fault says what an error of the library means. A refusal whose body is not as the protocol has it is a RequestError, which may
// hold an APIError that knows no status: it comes first.
func fault(err error) error {
	var (
		refused   *refusedError
		request   *openai.RequestError
		api       *openai.APIError
		unreached *url.Error
		long      *http.MaxBytesError
		syntax    *json.SyntaxError
		kind      *json.UnmarshalTypeError
	)
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.As(err, &request):
		return refusal(request.HTTPStatusCode, string(request.Body))
	case errors.As(err, &api):
		return refusal(api.HTTPStatusCode, cmp.Or(api.Message, api.Type))
	case errors.As(err, &unreached):
		return notReady("the endpoint cannot be reached: %v", err)
	case errors.As(err, &long):
		return notReady("the endpoint's reply is longer than %d bytes: use a smaller batch", long.Limit)
	case errors.As(err, &syntax), errors.As(err, &kind):
		return notReady("the endpoint's reply is not understood: %v", err)
	}
	return notReady("the endpoint's reply was cut off: %v", err)
}

// guard stands between the library and the network: the library reads replies of any length, takes a redirect or an empty answer
// for a result, and forgets the status of a refusal that breaks off.
type guard struct {
	client   *http.Client
	maxReply int64 // bytes
}

// Do returns a reply of status 200 that ends at the limit, or a refusal that is read already.
func (g *guard) Do(req *http.Request) (*http.Response, error) {
	resp, err := g.client.Do(req)
	if err != nil {
		return nil, err // a *url.Error, which fault knows
	}
	if resp.StatusCode == http.StatusOK {
		resp.Body = wholeReply{http.MaxBytesReader(nil, resp.Body, g.maxReply)}
		return resp, nil
	}
	defer func(body io.Closer) { _ = body.Close() }(resp.Body)      // read to where it matters
	said, _ := io.ReadAll(io.LimitReader(resp.Body, maxFaultBytes)) // as much as there is
	if resp.StatusCode < http.StatusBadRequest {
		return nil, refusal(resp.StatusCode, string(said))
	}
	resp.Body = io.NopCloser(bytes.NewReader(said))
	return resp, nil
}

// wholeReply is read to its end, which the library does not do, so that the connection serves the next request.
type wholeReply struct{ io.ReadCloser }

func (r wholeReply) Close() error {
	_, _ = io.CopyN(io.Discard, r.ReadCloser, maxTailBytes) // what fails here costs a connection, no more
	return r.ReadCloser.Close()
}

// retryAfter reads the header of that name as seconds; dates are not understood.
func retryAfter(h http.Header) time.Duration {
	s, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || s < 0 {
		return 0
	}
	return time.Duration(min(s, int(longestPause/time.Second))) * time.Second
}

// read checks a reply to n texts: a vector for each, of one length, of finite numbers.
func (e *Endpoint) read(data []openai.Embedding, n int) ([][]float32, error) {
	if len(data) != n {
		return nil, notReady("the endpoint gave %d vectors for %d texts", len(data), n)
	}
	out := make([][]float32, n)
	for _, d := range data {
		if d.Index < 0 || d.Index >= n || out[d.Index] != nil {
			return nil, notReady("the endpoint gave no vector, or two, for one of %d texts", n)
		}
		if err := e.fits(len(d.Embedding)); err != nil {
			return nil, err
		}
		if err := vector.Normalize(d.Embedding); err != nil {
			return nil, notReady("the endpoint gave an unusable vector: %v", err)
		}
		out[d.Index] = d.Embedding
	}
	return out, nil
}

// fits remembers the length of the first vector and refuses another.
func (e *Endpoint) fits(dims int) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dims == 0 && dims > 0 && dims <= maxDimensions {
		e.dims = dims
	}
	if dims != e.dims {
		return notReady("the endpoint gave a vector of %d components where %d were expected", dims, e.dims)
	}
	return nil
}

// refusedError is a reply with another status than 200. It is of kind prediag.ErrNotReady.
type refusedError struct {
	status int
	said   string
}

func refusal(status int, said string) *refusedError {
	return &refusedError{status, strings.TrimSpace(strings.ToValidUTF8(said, "?"))}
}

func (e *refusedError) Error() string {
	return fmt.Sprintf("embeddings: the endpoint answered %d %s: %.300s", e.status, http.StatusText(e.status), e.said)
}

// Unwrap gives the kind.
func (e *refusedError) Unwrap() error { return prediag.ErrNotReady }

// passing reports whether the next attempt may fare better.
func (e *refusedError) passing() bool {
	return e.status == http.StatusTooManyRequests || e.status == http.StatusRequestTimeout || e.status >= 500
}

// badInput reports whether the texts are to blame.
func (e *refusedError) badInput() bool {
	return e.status == http.StatusBadRequest || e.status == http.StatusRequestEntityTooLarge || e.status == http.StatusUnprocessableEntity
}

func notReady(format string, args ...any) error {
	return &prediag.Error{Kind: prediag.ErrNotReady, Reason: "EMBEDDINGS_UNAVAILABLE", Message: "embeddings: " + fmt.Sprintf(format, args...)}
}
