package triage

import (
	"strings"
	"time"

	"prediag"
	"prediag/internal/lang"
)

// handoff says who must act and by when.
func handoff(d prediag.Diagnosis, p Policy, caseID string) *prediag.Handoff {
	h := &prediag.Handoff{
		CaseID:   caseID,
		Tier:     tierOf(d),
		Queue:    queueOf(d, p),
		Priority: priorityOf(d),
		Message:  sentence(d.Verdict.Language, d.Draft.Language),
	}
	within := p.Deadlines.within(h.Tier)
	if h.Priority == priorityIncident {
		within = min(within, time.Duration(p.Deadlines.MajorIncident))
	}
	h.Deadline = d.Created.Add(within)
	return h
}

// tierOf is the predicted tier; a major incident goes to the highest, and what is unknown to the first.
func tierOf(d prediag.Diagnosis) string {
	if has(d.Reasons, prediag.ReasonMajorIncident) {
		return "L3"
	}
	if f, ok := d.Verdict.Field(prediag.FieldTier); ok {
		switch f.Label {
		case "L1", "L2", "L3":
			return f.Label
		}
	}
	return "L1"
}

// queueOf is the branch of the taxonomy, the product where the category is not sure enough, else "general". Sure enough is
// what is worth showing, and under a policy that acts on parents what may be acted on.
func queueOf(d prediag.Diagnosis, p Policy) string {
	f, ok := d.Verdict.Field(prediag.FieldCategory)
	rule := p.Fields[prediag.FieldCategory]
	sure := ok && f.Probability >= rule.Show
	if rule.Parents {
		var label prediag.Label
		label, sure = p.act(f)
		sure = sure && !has(d.Reasons, prediag.ReasonCalibrationStale)
		f.Label = label.Value
	}
	if sure && f.Label != prediag.LabelOutOfScope && !has(d.Reasons, prediag.ReasonOutOfScope) {
		branch, _, _ := strings.Cut(f.Label, "/")
		return branch
	}
	if d.Ticket.Product != "" {
		return d.Ticket.Product
	}
	return "general"
}

// Priorities of a case, smallest first; equal ones go by deadline.
const (
	priorityIncident = iota // major incident
	priorityUrgent          // the customer or the model says that it is urgent or critical
	priorityHigh            // sensitive, a person is asked for, or high urgency
	priorityNormal
	priorityLow   // low urgency
	priorityAudit // drawn at random; no customer waits for it
)

// priorityOf ranks a case by the reasons for the handoff and the urgency that the model sees.
func priorityOf(d prediag.Diagnosis) int {
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
	if has(d.Reasons, prediag.ReasonAuditSample) { // drawn from what would have been answered: nobody waits for it
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

func has(reasons []prediag.Reason, c prediag.ReasonCode) bool {
	for _, r := range reasons {
		if r.Code == c {
			return true
		}
	}
	return false
}

// sentence is what the customer may be told, in the first of the languages that it is translated into.
func sentence(languages ...string) string {
	for _, l := range languages {
		if s := sentences(l); s != "" {
			return s
		}
		if s := sentences(lang.Base(l)); s != "" {
			return s
		}
	}
	return sentences("en")
}

func sentences(language string) string {
	switch language {
	case "en":
		return "Thank you for your report. A specialist is looking into it and will get back to you."
	case "zh":
		return "感谢您的反馈，我们已安排专家处理，稍后会与您联系。"
	case "zh-Hant":
		return "感謝您的回報，我們已安排專家處理，稍後會與您聯繫。"
	case "ja":
		return "ご連絡ありがとうございます。担当者が確認し、折り返しご連絡いたします。"
	case "ko":
		return "문의해 주셔서 감사합니다. 담당자가 확인한 후 연락드리겠습니다."
	case "de":
		return "Vielen Dank für Ihre Meldung. Eine Fachkraft kümmert sich darum und meldet sich bei Ihnen."
	case "fr":
		return "Merci pour votre message. Un spécialiste s'en occupe et reviendra vers vous."
	case "es":
		return "Gracias por su mensaje. Un especialista lo está revisando y se pondrá en contacto con usted."
	case "pt":
		return "Obrigado pela sua mensagem. Um especialista está a analisar o caso e entrará em contacto consigo."
	case "it":
		return "Grazie per la segnalazione. Uno specialista se ne sta occupando e la ricontatterà."
	case "ru":
		return "Спасибо за обращение. Специалист уже занимается вопросом и свяжется с вами."
	}
	return ""
}
