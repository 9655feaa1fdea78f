package ingest

import (
	"regexp"
	"strings"

	"prediag"
	"prediag/internal/code"
)

const (
	maxCodes    = 5000    // fault codes of one article
	maxCodeText = 4 << 10 // bytes of one code's message, meaning or solution
	maxCodeLen  = 100     // bytes of a code
)

// role is what a column of a fault-code table holds.
type role int

const (
	roleNone role = iota
	roleStatus
	roleAlarm
	roleCode
	roleMessage
	roleMeaning
	roleSolution
)

// columnWords tell a column's role by words in its header, in lower case; "=" in front demands the whole header. The
// first match counts.
var columnWords = [...]struct {
	role  role
	words []string
}{
	{roleStatus, []string{"status code", "http code", "http status", "=status", "=http", "状态码", "ステータスコード", "상태 코드"}},
	{roleSolution, []string{"solution", "measure", "handling", "=action", "corrective", "recommended action", "how to", "resolution",
		"procedure", "suggestion", "troubleshoot", "what to do", "remedy", "workaround", "=fix", "解决", "处理", "对策", "建议", "対処", "対応",
		"解決", "해결", "조치", "lösung", "abhilfe", "solución", "решение"}},
	{roleMessage, []string{"message", "alarm name", "event name", "错误信息", "错误消息", "提示信息", "报错信息", "告警名称", "メッセージ", "메시지", "meldung"}},
	{roleAlarm, []string{"alarm id", "alarm code", "=alarm", "=告警", "=アラーム", "=알람", "=경보", "告警id", "告警码", "告警 id", "アラームid", "アラーム id", "알람 id"}},
	{roleCode, []string{"error code", "errorcode", "fault code", "return code", "result code", "event id", "exception code", "=code", "=error",
		"错误码", "错误代码", "故障码", "故障代码", "返回码", "返回代码", "エラーコード", "障害コード", "=コード", "오류 코드", "오류코드", "에러 코드", "장애 코드", "=코드",
		"fehlercode", "code d'erreur", "código de error", "código de erro", "код ошибки", "异常码", "=代码", "=错误"}},
	{roleMeaning, []string{"description", "meaning", "cause", "reason", "explanation", "=details", "描述", "说明", "含义", "原因", "意味", "説明", "의미",
		"설명", "원인", "bedeutung", "ursache", "signification", "significado", "descripción", "описание", "значение"}},
}

// solutionWords are found in the headings of sections that say what to do.
var solutionWords = [...]string{"procedure", "solution", "resolution", "workaround", "how to fix", "what to do", "corrective", "处理步骤", "处理方法",
	"处理过程", "解决", "操作步骤", "排查步骤", "対処", "対応", "解決", "解决方案", "해결", "조치", "lösung", "solución", "solução", "решение", "處理", "解決方法"}

var (
	codeShape  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*(?:[.\-:][A-Za-z0-9_]+)*$`)
	codeNumber = regexp.MustCompile(`^(?:0x[0-9A-Fa-f]{2,16}|-?[0-9]{3,10})$`)
	codeSplit  = regexp.MustCompile(`\s*[,;/、，；]\s*|\s+(?:or|and|或|和)\s+|\s+`)
	innerUpper = regexp.MustCompile(`[a-z][A-Z]|[A-Z]{2}`)
)

// codeBook collects an article's fault codes, each once.
type codeBook struct {
	a    *prediag.Article
	list []prediag.FaultCode
	at   map[string]int // canonical code → place in list
}

// faultCodes finds the fault codes that an article explains: in its tables, in its title, and those that it declares. Of
// several explanations of a code the table's comes first, and later ones fill what is missing.
func faultCodes(a *prediag.Article, tables []table, declared []prediag.FaultCode) []prediag.FaultCode {
	b := &codeBook{a: a, at: map[string]int{}}
	for _, t := range tables {
		b.table(t)
	}
	span, solution := solutionOf(a)
	explain := func(c prediag.FaultCode) {
		if c.Meaning == "" {
			c.Meaning = a.Title
		}
		if c.Solution == "" {
			c.Solution = solution
		}
		b.add(c, span)
	}
	for _, c := range declared {
		if c.Code != "" && len(c.Code) <= maxCodeLen {
			explain(c)
		}
	}
	for _, m := range code.Find(a.Title) {
		if !strings.HasPrefix(m.Code, "HTTP ") || explainsStatus(a) {
			explain(prediag.FaultCode{Code: m.Code})
		}
	}
	return b.list
}

// add enters a code, or completes the entry that is there.
func (b *codeBook) add(c prediag.FaultCode, span prediag.Span) {
	key := code.Canonical(c.Code)
	for _, f := range [...]*string{&c.Message, &c.Meaning, &c.Solution} {
		*f = strings.TrimSpace(clip(*f, maxCodeText))
	}
	if i, ok := b.at[key]; ok {
		old := &b.list[i]
		for _, f := range [...][2]*string{{&old.Message, &c.Message}, {&old.Meaning, &c.Meaning}, {&old.Solution, &c.Solution}} {
			if *f[0] == "" {
				*f[0] = *f[1]
			}
		}
		return
	}
	if len(b.list) >= maxCodes {
		return
	}
	quote, _ := span.Of(b.a.Body)
	if c.Product == "" {
		c.Product = b.a.Product
	}
	c.Citation = prediag.Citation{ArticleID: b.a.ID, Span: span, Quote: quote, Title: b.a.Title, URL: b.a.URL}
	b.at[key] = len(b.list)
	b.list = append(b.list, c)
}

// table enters the rows of a table whose header names a column of codes and one that explains them.
func (b *codeBook) table(t table) {
	if len(t.rows) < 2 {
		return
	}
	roles, column := columnRoles(t.rows[0].cells)
	if column < 0 {
		return
	}
	for _, r := range t.rows[1:] {
		names := b.codesIn(cellAt(r.cells, column), roles[column])
		shift := len(roles) - len(r.cells)
		if len(names) == 0 && shift > 0 {
			// Cells that reach over several rows stand in the first one only, in text that lost its markup.
			names = b.codesIn(cellAt(r.cells, column-shift), roles[column])
		} else {
			shift = 0
		}
		c := explanation(r.cells, roles[shift:], column-shift)
		if c == (prediag.FaultCode{}) {
			continue
		}
		for _, name := range names {
			c.Code = name
			b.add(c, r.span)
		}
	}
}

// cellAt returns a cell, empty when there is none.
func cellAt(cells []string, i int) string {
	if i < 0 || i >= len(cells) {
		return ""
	}
	return cells[i]
}

// explanation puts together what the cells beside a row's code say.
func explanation(cells []string, roles []role, column int) prediag.FaultCode {
	var c prediag.FaultCode
	for i, cell := range cells {
		if i >= len(roles) || i == column || cell == "-" || cell == "N/A" {
			continue
		}
		switch roles[i] {
		case roleMessage:
			c.Message = join(c.Message, cell)
		case roleMeaning:
			c.Meaning = join(c.Meaning, cell)
		case roleSolution:
			c.Solution = join(c.Solution, cell)
		}
	}
	return c
}

// join puts two cells of the same role together.
func join(a, b string) string {
	if a == "" || a == b {
		return b
	}
	return strings.TrimSpace(a + " " + b)
}

// columnRoles reads a table's header. The column is -1 when the table is none of fault codes.
func columnRoles(header []string) (roles []role, column int) {
	roles = make([]role, len(header))
	column = -1
	explained := false
	for i, h := range header {
		roles[i] = roleOf(h)
		switch roles[i] {
		case roleStatus, roleAlarm, roleCode:
			if column < 0 || roles[i] > roles[column] {
				column = i
			}
		case roleMessage, roleMeaning, roleSolution:
			explained = true
		}
	}
	if !explained {
		return roles, -1
	}
	return roles, column
}

// roleOf tells what a column holds by its header.
func roleOf(header string) role {
	h := strings.ToLower(oneLine(header))
	if h == "" || len(h) > 60 {
		return roleNone
	}
	for _, c := range columnWords {
		for _, w := range c.words {
			if w[0] == '=' && h == w[1:] || w[0] != '=' && strings.Contains(h, w) {
				return c.role
			}
		}
	}
	return roleNone
}

// codesIn returns the codes that a cell of the code column names; none when it holds anything else.
func (b *codeBook) codesIn(cell string, r role) []string {
	cell = strings.Trim(strings.TrimSpace(cell), "`\"'“”")
	if cell == "" || len(cell) > 4*maxCodeLen {
		return nil
	}
	if r == roleAlarm && codeNumber.MatchString(cell) {
		return []string{b.codeName(cell, r)}
	}
	if whole := code.Find(cell); len(whole) == 1 && whole[0].Span.Start == 0 && whole[0].Span.End == len(cell) && !strings.HasPrefix(whole[0].Code, "HTTP ") {
		return []string{cell}
	}
	var out []string
	for _, part := range codeSplit.Split(cell, 20) {
		name := b.codeName(part, r)
		if name == "" {
			return out // "404 Not Found" and "ECS.0013 (old)" begin with their code
		}
		out = append(out, name)
	}
	return out
}

// codeName makes a code of one word of a code column, empty when it is none. Bare numbers are alarms, statuses or, with
// four digits and more, numbers of errors.
func (b *codeBook) codeName(word string, r role) string {
	word = strings.Trim(word, "()[]（）:：.*")
	switch {
	case word == "" || len(word) > maxCodeLen:
		return ""
	case codeNumber.MatchString(word):
		digits := strings.TrimPrefix(word, "-")
		switch {
		case strings.HasPrefix(word, "0x"):
			return word
		case r == roleAlarm:
			return "ALM-" + digits
		case len(digits) == 3 && (digits[0] == '4' || digits[0] == '5') && explainsStatus(b.a):
			return "HTTP " + digits
		case len(digits) >= 4 && r == roleCode:
			return word
		}
		return ""
	case !codeShape.MatchString(word):
		return ""
	case strings.ContainsAny(word, "0123456789._") || innerUpper.MatchString(word):
		return word
	}
	return ""
}

// explainsStatus reports whether an article is about errors, so that a status in it is explained and not just listed.
func explainsStatus(a *prediag.Article) bool {
	switch a.Kind {
	case "errorcode", "troubleshooting", "faq", "alarm":
		return true
	}
	t := strings.ToLower(a.Title)
	return strings.Contains(t, "status code") || strings.Contains(t, "状态码") || strings.Contains(t, "错误")
}

// solutionOf finds the section that says what to do, with its sub-sections: where a code that the article is about is
// explained. Without one the span is that of the first section, and there is no solution.
func solutionOf(a *prediag.Article) (prediag.Span, string) {
	for i, s := range a.Sections {
		if len(s.Path) == 0 || !isSolution(s.Path[len(s.Path)-1]) {
			continue
		}
		span := s.Span
		for _, sub := range a.Sections[i+1:] {
			if len(sub.Path) <= len(s.Path) || sub.Path[len(s.Path)-1] != s.Path[len(s.Path)-1] {
				break
			}
			span.End = sub.Span.End
		}
		text, _ := span.Of(a.Body)
		return span, text
	}
	if len(a.Sections) == 0 {
		return prediag.Span{}, ""
	}
	return a.Sections[0].Span, ""
}

func isSolution(heading string) bool {
	h := strings.ToLower(heading)
	for _, w := range solutionWords {
		if strings.Contains(h, w) {
			return true
		}
	}
	return false
}
