package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"prediag"
	"prediag/embed"
	"prediag/kb"
	"prediag/server"
	"prediag/triage"
)

// embedding reads the data folder's embeddings.yaml; zero where there is none.
func (d dataDir) embedding() (kb.Embedding, error) {
	if d == "" {
		return kb.Embedding{}, nil
	}
	if _, err := os.Stat(d.embeddings()); errors.Is(err, os.ErrNotExist) {
		return kb.Embedding{}, nil
	}
	return readEmbedding(d.embeddings())
}

// readEmbedding opens what a file of the form of embeddings.yaml describes; zero for an empty name.
func readEmbedding(file string) (kb.Embedding, error) {
	if file == "" {
		return kb.Embedding{}, nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return kb.Embedding{}, &prediag.Error{Kind: prediag.ErrInvalid, Reason: "EMBEDDINGS_UNREADABLE", Field: "embeddings", Err: err,
			Message: fmt.Sprintf("the configuration of embeddings %q cannot be read", file)}
	}
	c, err := embed.ParseConfig(raw)
	if err != nil {
		return kb.Embedding{}, fmt.Errorf("%q: %w", file, err)
	}
	e, err := c.Open(filepath.Dir(file), os.Getenv)
	if err != nil {
		return kb.Embedding{}, fmt.Errorf("%q: %w", file, err)
	}
	return kb.Embedding{Embedder: e, Wait: time.Duration(c.Timeout), Budget: time.Duration(c.Budget), Batch: c.Batch, Weight: c.Weight}, nil
}

// embeddingsFlag adds --embeddings.
func embeddingsFlag(c *cobra.Command, file *string) {
	c.Flags().StringVar(file, "embeddings", "", "file that says where vectors come from, see docs/search.md (default: words alone)")
}

// embedder is what a policy is bound to.
func embedder(k *kb.KB) string { return cmp.Or(k.Embedder(), triage.NoEmbedder) }

// embeddingsStatus puts the state of the vectors into the server's words; nil where there are none.
func embeddingsStatus(v *kb.VectorStatus) *server.Embeddings {
	if v == nil {
		return nil
	}
	return &server.Embeddings{Embedder: v.Embedder, Stored: v.Stored, Missing: v.Missing, Refused: v.Refused, Queries: v.Queries, Failed: v.Failed}
}
