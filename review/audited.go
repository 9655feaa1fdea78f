package review

import (
	"context"
	"time"

	"prediag"
)

// auditPriority is the priority of the cases of the audit sample, see prediag.Handoff.
const auditPriority = 5

// Audited calls each for the resolved cases of the audit sample that were opened at since or later, in no particular order,
// and ends with its error. It holds a page of them at a time.
func (s *Store) Audited(ctx context.Context, since time.Time, each func(prediag.Case) error) error {
	var after position
	for {
		var rows []row
		var page prediag.CasePage
		err := s.read(ctx, "read the audit sample", func(q querier) (err error) {
			w := &where{}
			w.and("resolved = 1")
			w.and("priority = ?", auditPriority)
			w.and("created >= ?", micros(since))
			w.and("(deadline, id) > (?, ?)", after.deadline, after.id)
			if rows, err = queryRows(ctx, q, w, auditPage); err != nil {
				return err
			}
			page, err = loadPage(ctx, q, rows, auditPage, s.opt.Now())
			return err
		})
		if err != nil || len(page.Cases) == 0 {
			return err
		}
		for _, c := range page.Cases {
			if err := each(c); err != nil {
				return err
			}
		}
		after = rows[len(page.Cases)-1].position()
	}
}
