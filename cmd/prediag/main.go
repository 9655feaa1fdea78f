// Command prediag diagnoses support tickets, searches the knowledge base, and measures both. It joins the folders: it
// alone reads flags and files of settings, and it alone knows which part stands behind which seam.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	a := app{in: os.Stdin, out: os.Stdout, err: os.Stderr, interactive: isTerminal(os.Stderr), worker: parseWorker()}
	go func() { <-ctx.Done(); stop() }() // a second Ctrl-C ends the process at once
	os.Exit(a.run(ctx, os.Args[1:]))
}
