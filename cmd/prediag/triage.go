package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"prediag"
	"prediag/server"
	"prediag/triage"
)

// triageFlags are the settings of triage.
type triageFlags struct {
	dataDir *string
	asJSON  *bool
	title   string
	product string
	timeout time.Duration
}

func (a *app) triageCommand() *cobra.Command {
	var f triageFlags
	c := &cobra.Command{
		Use:   "triage TEXT | -",
		Short: "Diagnose one ticket",
		Long: `triage says what a ticket is, which articles solve it, and what would happen to it, and records the result.

The ticket is the argument, or with "-" the standard input: plain text, or a JSON object with title, body, language,
product and codes. While a service holds the data folder the ticket goes through that service.
--json prints what POST /v1/triage answers.`,
		Example: `  prediag triage "Disk still shows 40 GB after I expanded it to 100 GB"
  prediag triage --json - < ticket.txt
  echo '{"title":"数据库连接失败","body":"ADB.1040 Too many connections"}' | prediag triage -`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.triage(cmd.Context(), f, args[0]) },
	}
	f.dataDir, f.asJSON = dataDirFlag(c), jsonFlag(c)
	c.Flags().StringVar(&f.title, "title", "", "title of the ticket")
	c.Flags().StringVar(&f.product, "product", "", "product that the ticket is about")
	c.Flags().DurationVar(&f.timeout, "timeout", 30*time.Second, "longest wait for the answer")
	return c
}

func (a *app) triage(ctx context.Context, f triageFlags, arg string) error {
	t, err := a.readTicket(arg)
	if err != nil {
		return err
	}
	if f.title != "" {
		t.Title = f.title
	}
	if f.product != "" {
		t.Product = f.product
	}
	if err := triage.Check(t); err != nil { // here, because gRPC would refuse text that is not UTF-8 in words of its own
		return err
	}
	d, err := a.diagnose(ctx, dataDir(*f.dataDir), t, f.timeout)
	if err != nil {
		return err
	}
	if *f.asJSON {
		return a.printMessage(server.TriageMessage(d))
	}
	return renderDiagnosis(a.out, d)
}

// readTicket reads the argument, or standard input for "-". It is limited to what a ticket may have, and a little, so
// that what is too large is refused by name.
func (a *app) readTicket(arg string) (prediag.Ticket, error) {
	if arg != "-" {
		return prediag.Ticket{Body: arg}, nil
	}
	raw, err := io.ReadAll(io.LimitReader(a.in, 4*prediag.MaxTicketBytes))
	if err != nil {
		return prediag.Ticket{}, fmt.Errorf("read the ticket: %w", err)
	}
	if len(raw) == 4*prediag.MaxTicketBytes {
		return prediag.Ticket{}, &prediag.Error{
			Kind: prediag.ErrTooLarge, Reason: "TICKET_TOO_LARGE",
			Message: fmt.Sprintf("the ticket has %d bytes or more, at most %d are taken: shorten it", len(raw), prediag.MaxTicketBytes),
		}
	}
	if !strings.HasPrefix(strings.TrimSpace(string(raw)), "{") {
		return prediag.Ticket{Body: string(raw)}, nil
	}
	var t struct {
		ID, Title, Body, Language, Product string
		Codes                              []string
		Fields                             map[string]string
	}
	if err := json.Unmarshal(raw, &t); err != nil { // a text that begins with a brace, such as a log
		return prediag.Ticket{Body: string(raw)}, nil
	}
	if t.Title == "" && t.Body == "" {
		return prediag.Ticket{Body: string(raw)}, nil
	}
	return prediag.Ticket{
		ID: t.ID, Title: t.Title, Body: t.Body, Language: t.Language, Product: t.Product, Codes: t.Codes, Fields: t.Fields,
	}, nil
}

// diagnose sends the ticket through the service that holds the data folder, or opens the folder itself.
func (a *app) diagnose(ctx context.Context, dir dataDir, t prediag.Ticket, timeout time.Duration) (d prediag.Diagnosis, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if h, ok := dir.service(); ok {
		client, err := server.Dial(h.GRPC)
		if err != nil {
			return d, err
		}
		defer func() { _ = client.Close() }() // the answer is here
		return client.Triage(ctx, prediag.RequestKey{}, t)
	}
	if err := dir.exists(); err != nil {
		return d, err
	}
	held, err := dir.hold("triage")
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, held.release()) }()
	p, err := a.openParts(ctx, dir, partsOptions{})
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	if w, err := readWatch(dir); err == nil { // what a service found last; without one nothing is watched
		p.paused = w.Watch.Paused
	}
	created := p.kb.Generation().Created
	return p.pipeline(func() time.Time { return created }, nil).Triage(ctx, prediag.RequestKey{}, t)
}
