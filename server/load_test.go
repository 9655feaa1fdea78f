package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"prediag"
)

// loadTexts takes runs of 20 words out of the bodies of articles, as many as are asked for, no two from one place.
func loadTexts(b *testing.B, file string, n int) []string {
	f, err := os.Open(file)
	require.NoError(b, err)
	defer f.Close()
	var bodies [][]string
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() && len(bodies) < 50_000 {
		var a struct {
			Body string `json:"body"`
		}
		require.NoError(b, json.Unmarshal(lines.Bytes(), &a))
		if words := strings.Fields(a.Body); len(words) > 20 {
			bodies = append(bodies, words)
		}
	}
	require.NoError(b, lines.Err())
	require.NotEmpty(b, bodies, file)
	r := rand.New(rand.NewPCG(8, uint64(time.Now().UnixNano()))) // a service that was asked the same before would answer from memory
	texts := make([]string, n)
	for i := range texts {
		words := bodies[r.IntN(len(bodies))]
		at := r.IntN(len(words) - 20)
		texts[i] = strings.Join(words[at:at+20], " ")
	}
	return texts
}

// loadTarget is a client of the service at PREDIAG_BENCH_GRPC (HOST:PORT), and texts out of PREDIAG_BENCH_ARTICLES (JSON Lines).
func loadTarget(b *testing.B, texts int) (*Client, []string) {
	addr, file := os.Getenv("PREDIAG_BENCH_GRPC"), os.Getenv("PREDIAG_BENCH_ARTICLES")
	if addr == "" || file == "" {
		b.Skip("set PREDIAG_BENCH_GRPC to the address of a service of its own, PREDIAG_BENCH_ARTICLES to its articles")
	}
	c, err := Dial(addr)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, c.Close()) })
	return c, loadTexts(b, file, texts)
}

// loadCalls is how many texts a benchmark has.
const loadCalls = 2000

// BenchmarkSearchLoad asks a running service searches of 20 words, as many at a time as there are clients.
func BenchmarkSearchLoad(b *testing.B) {
	for _, clients := range []int{1, 2, 4, 8} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			c, texts := loadTarget(b, loadCalls)
			closedLoop(b, clients, texts, func(text string) error {
				_, err := c.Search(context.Background(), prediag.Query{Text: text})
				return err
			})
		})
	}
}

// BenchmarkTriageLoad sends tickets of 20 words to a running service, which records them: at most as many at a time as there are clients,
// and 50 a second whether the ones before are answered or not.
func BenchmarkTriageLoad(b *testing.B) {
	send := func(c *Client) func(string) error {
		return func(text string) error {
			_, err := c.Triage(context.Background(), prediag.RequestKey{}, prediag.Ticket{Body: text})
			return err
		}
	}
	b.Run("clients=8", func(b *testing.B) {
		c, texts := loadTarget(b, loadCalls)
		closedLoop(b, 8, texts, send(c))
	})
	b.Run("rate=50", func(b *testing.B) {
		c, texts := loadTarget(b, loadCalls)
		openLoop(b, 50, texts, send(c))
	})
}

// closedLoop has so many clients that each send the next text when they have their answer.
func closedLoop(b *testing.B, clients int, texts []string, send func(string) error) {
	var next, failed atomic.Int64
	took := make([]time.Duration, len(texts))
	begin := time.Now()
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(texts)); i = next.Add(1) - 1 {
				sent := time.Now()
				if send(texts[i]) != nil {
					failed.Add(1)
				}
				took[i] = time.Since(sent)
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(len(texts))/time.Since(begin).Seconds(), "calls/s")
	reportLoad(b, took, failed.Load())
}

// openLoop sends so many texts a second. A text that could not be sent in its turn waits, and that counts.
func openLoop(b *testing.B, rate int, texts []string, send func(string) error) {
	var failed atomic.Int64
	took := make([]time.Duration, len(texts))
	begin := time.Now()
	var all sync.WaitGroup
	for i, text := range texts {
		due := begin.Add(time.Duration(i) * time.Second / time.Duration(rate))
		time.Sleep(time.Until(due))
		all.Go(func() {
			if send(text) != nil {
				failed.Add(1)
			}
			took[i] = time.Since(due)
		})
	}
	all.Wait()
	reportLoad(b, took, failed.Load())
}

func reportLoad(b *testing.B, took []time.Duration, failed int64) {
	require.Zero(b, failed, "calls that failed")
	slices.Sort(took)
	for _, share := range []int{50, 95, 99} {
		b.ReportMetric(float64(took[len(took)*share/100].Microseconds())/1000, fmt.Sprintf("p%d-ms", share))
	}
	b.ReportMetric(0, "ns/op")
}
