package review

import "prediag"

// Priorities of a case. Smaller is served first; equal ones go by deadline.
const (
	priorityIncident = iota // major incident
	priorityUrgent          // the customer or the model says that it is urgent or critical
	priorityHigh            // sensitive, a person is asked for, or high urgency
	priorityNormal
	priorityLow   // low urgency
	priorityAudit // drawn at random; no customer waits for it
)

// priority ranks a case by the reasons for the handoff and the urgency that the model sees.
func priority(d prediag.Diagnosis) int {
	best := urgencyPriority(d.Verdict)
	for _, r := range d.Reasons {
		switch r.Code {
		case prediag.ReasonMajorIncident:
			best = min(best, priorityIncident)
		case prediag.ReasonUrgent:
			best = min(best, priorityUrgent)
		case prediag.ReasonSensitive, prediag.ReasonPersonRequested:
			best = min(best, priorityHigh)
		}
	}
	if len(d.Reasons) == 1 && d.Reasons[0].Code == prediag.ReasonAuditSample {
		return priorityAudit
	}
	return best
}

func urgencyPriority(v prediag.Verdict) int {
	f, _ := v.Field(prediag.FieldUrgency)
	switch f.Label {
	case "critical":
		return priorityUrgent
	case "high":
		return priorityHigh
	case "low":
		return priorityLow
	}
	return priorityNormal
}
