package embed

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"prediag"
	"prediag/internal/vector"
)

const (
	attempts      = 4                // to get one batch
	firstPause    = time.Second      // before the second attempt; doubles
	longestPause  = 30 * time.Second // that an endpoint may ask for
	maxReplyBytes = 256 << 20
	maxFaultBytes = 2 << 10 // of a refusal that are quoted
	tripAfter     = 3       // failed queries in a row after which the endpoint rests
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
	key    string
	clock  Clock
	client *http.Client

	mu     sync.Mutex
	dims   int // of the vectors; 0: not known yet
	failed int // queries in a row
	rest   time.Duration
	until  time.Time // queries are not sent before
}

// NewEndpoint returns the embedder of a configuration that was checked. key is sent as a bearer token unless it is empty.
func NewEndpoint(c Config, key string, clock Clock) *Endpoint {
	return &Endpoint{config: c, key: key, clock: clock.complete(), dims: c.Dimensions, client: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the key goes nowhere else
	}}
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

type embeddingsRequest struct {
	Model      string   `json:"model"`
	Input      []string `json:"input"`
	Format     string   `json:"encoding_format"`
	Dimensions int      `json:"dimensions,omitempty"`
}

type embeddingsReply struct {
	Data []struct {
		Index     int       `json:"index"`
		Embedding []float32 `json:"embedding"`
	} `json:"data"`
}

// ask sends one request. after is what the endpoint asks to wait before the next.
func (e *Endpoint) ask(ctx context.Context, texts []string) (vectors [][]float32, after time.Duration, err error) {
	body, err := json.Marshal(embeddingsRequest{e.config.Model, texts, "float", e.config.Dimensions})
	if err != nil {
		return nil, 0, fmt.Errorf("embeddings: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(e.config.URL, "/")+"/embeddings", bytes.NewReader(body))
	if err != nil {
		return nil, 0, fmt.Errorf("embeddings: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	if e.key != "" {
		req.Header.Set("Authorization", "Bearer "+e.key)
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return nil, 0, notReady("the endpoint cannot be reached: %v", err)
	}
	defer func() { _ = resp.Body.Close() }() // read to where it matters
	if resp.StatusCode != http.StatusOK {
		quoted, _ := io.ReadAll(io.LimitReader(resp.Body, maxFaultBytes)) // as much as there is
		return nil, retryAfter(resp.Header), &refusedError{resp.StatusCode, strings.TrimSpace(strings.ToValidUTF8(string(quoted), "?"))}
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxReplyBytes+1))
	if err != nil {
		return nil, 0, notReady("the endpoint's reply was cut off: %v", err)
	}
	vectors, err = e.read(raw, len(texts))
	return vectors, 0, err
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
func (e *Endpoint) read(raw []byte, n int) ([][]float32, error) {
	var reply embeddingsReply
	switch err := json.Unmarshal(raw, &reply); {
	case len(raw) > maxReplyBytes:
		return nil, notReady("the endpoint's reply is longer than %d bytes: use a smaller batch", maxReplyBytes)
	case err != nil:
		return nil, notReady("the endpoint's reply is not understood: %v", err)
	case len(reply.Data) != n:
		return nil, notReady("the endpoint gave %d vectors for %d texts", len(reply.Data), n)
	}
	out := make([][]float32, n)
	for _, d := range reply.Data {
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
	body   string
}

func (e *refusedError) Error() string {
	return fmt.Sprintf("embeddings: the endpoint answered %d %s: %.300s", e.status, http.StatusText(e.status), e.body)
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
