// Package embed turns texts into vectors whose cosine says how much they have in common: through an endpoint that speaks the
// /v1/embeddings protocol, or with a static model in Model2Vec's format from a folder.
//
// It is useful where words alone do not lead from a question to its answer. It stores and compares nothing.
package embed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"time"

	"go.yaml.in/yaml/v3"

	"prediag"
)

// Embedder makes vectors of length 1.
type Embedder interface {
	// ID names the model and all else that vectors depend on: those of different IDs cannot be compared.
	ID() string
	// Passages returns a vector for each of the texts of a knowledge base, in their order. A nil one says that this text has
	// none and that asking again is in vain: the endpoint refuses it, or the model knows no word of it.
	Passages(ctx context.Context, texts []string) ([][]float32, error)
	// Query returns the vector of what somebody searches for; nil as above.
	Query(ctx context.Context, text string) ([]float32, error)
}

// Defaults and limits of a Config.
const (
	defaultTimeout = 300 * time.Millisecond
	defaultRequest = time.Minute
	defaultBudget  = 15 * time.Minute
	defaultBatch   = 32
	maxBatch       = 2048
	maxDimensions  = 8192
	maxTimeout     = 10 * time.Second
	maxConfigBytes = 64 << 10
	maxWeight      = 10
)

// Config says where vectors come from. It is the file embeddings.yaml of a data folder.
type Config struct {
	URL        string `yaml:"url"`        // of the endpoint, "/embeddings" left off, e.g. "http://127.0.0.1:11434/v1"; or
	Folder     string `yaml:"folder"`     // of a static model, relative to the file's folder
	Model      string `yaml:"model"`      // name that the endpoint knows
	Dimensions int    `yaml:"dimensions"` // length of the vectors that the endpoint is asked for; 0: the model's own

	KeyEnv        string   `yaml:"key_env"`         // environment variable that holds the endpoint's key; empty: it needs none
	Timeout       Duration `yaml:"timeout"`         // longest wait of a search for its query's vector, up to 10 s; 0: 300 ms
	Request       Duration `yaml:"request_timeout"` // longest wait for one batch of a build; 0: 1 minute
	Budget        Duration `yaml:"build_budget"`    // longest time that one build takes for vectors, the next goes on; 0: 15 minutes
	Batch         int      `yaml:"batch"`           // texts in one request, 1 to 2,048; 0: 32
	QueryPrefix   string   `yaml:"query_prefix"`    // put before a query's text, where the model was trained so, e.g. "query: "
	PassagePrefix string   `yaml:"passage_prefix"`  // put before an article's text
	Weight        float64  `yaml:"weight"`          // of the nearest article in the ranking, up to 10, see docs/search.md; 0: 0.1
}

// Duration is a time.Duration that YAML writes as "300ms".
type Duration time.Duration

// UnmarshalYAML reads a positive duration.
func (d *Duration) UnmarshalYAML(n *yaml.Node) error {
	parsed, err := time.ParseDuration(n.Value)
	if err != nil || parsed < 0 {
		return fmt.Errorf("line %d: %q is no duration: write it like 300ms or 2s", n.Line, n.Value)
	}
	*d = Duration(parsed)
	return nil
}

// ParseConfig reads a configuration strictly and fills in the defaults. A fault is of kind prediag.ErrInvalid and names the key.
func ParseConfig(raw []byte) (Config, error) {
	var c Config
	if len(raw) > maxConfigBytes {
		return c, invalid("embeddings", "the file has more than %d bytes", maxConfigBytes)
	}
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return c, &prediag.Error{Kind: prediag.ErrInvalid, Reason: "EMBEDDINGS_INVALID", Field: "embeddings", Err: err,
			Message: fmt.Sprintf("the configuration of embeddings cannot be read: %v", err)}
	}
	c.complete()
	return c, c.check()
}

func (c *Config) complete() {
	for _, d := range []struct {
		at    *Duration
		value time.Duration
	}{{&c.Timeout, defaultTimeout}, {&c.Request, defaultRequest}, {&c.Budget, defaultBudget}} {
		if *d.at == 0 {
			*d.at = Duration(d.value)
		}
	}
	if c.Batch == 0 {
		c.Batch = defaultBatch
	}
}

func (c *Config) check() error {
	switch {
	case (c.URL == "") == (c.Folder == ""):
		return invalid("url", "name either the url of an endpoint or the folder of a static model")
	case c.Batch < 1 || c.Batch > maxBatch:
		return invalid("batch", "batch is %d: use 1 to %d", c.Batch, maxBatch)
	case c.Dimensions < 0 || c.Dimensions > maxDimensions:
		return invalid("dimensions", "dimensions is %d: use 1 to %d, or 0 for the model's own", c.Dimensions, maxDimensions)
	case !(c.Weight >= 0 && c.Weight <= maxWeight):
		return invalid("weight", "weight is %v: use 0 to %d", c.Weight, maxWeight)
	case time.Duration(c.Timeout) > maxTimeout:
		return invalid("timeout", "timeout is %v: a search waits at most %v for its query's vector", time.Duration(c.Timeout), maxTimeout)
	case c.Folder != "":
		return nil
	case c.Model == "":
		return invalid("model", "name the model that the endpoint shall use")
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return invalid("url", "url %q is no address: write it like https://host/v1", c.URL)
	}
	if u.User != nil || u.RawQuery != "" {
		return invalid("url", "url must hold neither a password nor a query: name the key's environment variable in key_env")
	}
	return nil
}

// Open returns the embedder of a configuration that lies in the folder dir. env looks an environment variable up.
func (c Config) Open(dir string, env func(string) string) (Embedder, error) {
	if c.Folder == "" {
		key := ""
		if c.KeyEnv != "" {
			if key = env(c.KeyEnv); key == "" {
				return nil, invalid("key_env", "the environment variable %s, which holds the endpoint's key, is not set", c.KeyEnv)
			}
		}
		return NewEndpoint(c, key, Clock{}), nil
	}
	folder := c.Folder
	if !filepath.IsAbs(folder) {
		folder = filepath.Join(dir, folder)
	}
	s, err := LoadStatic(folder)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func invalid(key, format string, args ...any) error {
	return prediag.Invalid("EMBEDDINGS_INVALID", "embeddings."+key, fmt.Sprintf(format, args...))
}
