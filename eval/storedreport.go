package eval

import (
	"cmp"
	"fmt"
	"io"

	"prediag"
)

// WriteRunHTML writes a stored run as a page. Title and provenance are completed from its record.
func WriteRunHTML(w io.Writer, run StoredRun, opt HTMLOptions) error {
	opt.Title = cmp.Or(opt.Title, run.Name())
	if opt.Provenance == nil {
		opt.Provenance = run.Record.Provenance()
	}
	switch run.Record.Kind {
	case "classify":
		return writeRun(w, run, opt, WriteHTML)
	case "retrieve":
		return writeRun(w, run, opt, WriteRetrieveHTML)
	case "triage":
		return writeRun(w, run, opt, WriteTriageHTML)
	}
	return unknownKind(run)
}

func writeRun[R, T any](w io.Writer, run StoredRun, opt HTMLOptions, write func(io.Writer, R, []T, HTMLOptions) error) error {
	var report R
	if err := run.Report(&report); err != nil {
		return err
	}
	items, err := ItemsOf[T](run)
	if err != nil {
		return err
	}
	return write(w, report, items, opt)
}

// WriteRunMarkdown writes a stored run's figures.
func WriteRunMarkdown(w io.Writer, run StoredRun) error {
	var report interface{ WriteMarkdown(io.Writer) error }
	switch run.Record.Kind {
	case "classify":
		report = &ClassifyReport{}
	case "retrieve":
		report = &RetrieveReport{}
	case "triage":
		report = &TriageReport{}
	default:
		return unknownKind(run)
	}
	if err := run.Report(report); err != nil {
		return err
	}
	return report.WriteMarkdown(w)
}

// Pictures draws a stored classification as SVG, by file name. Other runs are of kind ErrInvalid.
func Pictures(run StoredRun) (map[string][]byte, error) {
	if run.Record.Kind != "classify" {
		return nil, prediag.Invalid("NO_PICTURES", "run", fmt.Sprintf("run %s measures %s; only classifications have pictures", run.Name(), run.Record.Kind))
	}
	var report ClassifyReport
	if err := run.Report(&report); err != nil {
		return nil, err
	}
	items, err := ItemsOf[ClassifyItem](run)
	if err != nil {
		return nil, err
	}
	items = inScope(items)
	scored := scoredOf(items)
	return map[string][]byte{
		"reliability.svg":   []byte(ReliabilitySVG(report.Reliability)),
		"risk-coverage.svg": []byte(RiskCoverageSVG(scored, coverageMarks(scored))),
		"confusion.svg":     []byte(ConfusionSVG(confusionOf(items))),
	}, nil
}

func unknownKind(run StoredRun) error {
	return prediag.Invalid("KIND_UNKNOWN", "run", fmt.Sprintf("run %s is of the kind %q, which this program does not know", run.Name(), run.Record.Kind))
}
