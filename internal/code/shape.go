package code

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// Shapes of whole chunks.
var (
	alarmID    = regexp.MustCompile(`^(?i:alm|alarm)[-_ ]?([0-9]{3,10})$`)
	statusText = regexp.MustCompile(`^(?i:http)(?:/[0-9.]+)? ?([1-5][0-9]{2})$`)
	hexNumber  = regexp.MustCompile(`^0[xX][0-9A-Fa-f]{2,16}$`)
	sqlState   = regexp.MustCompile(`^[0-9A-Z]{5}$`)
	bareNumber = regexp.MustCompile(`^[0-9]{4,10}$`)

	// numbered: "ACS.0013", "SVCSTG.ECSCFG.6381", "ORA-01017", "DSC_ERR_003_018", "SQL0911N".
	numbered  = regexp.MustCompile(`^(?:[A-Za-z][A-Za-z0-9]{1,15}(?:[._][A-Za-z][A-Za-z0-9]{1,15}){0,3}(?:\.[0-9]{3,9}|(?:_[0-9]{3,6}){1,3})|[A-Za-z]{2,10}-[0-9]{3,8}|(?:SQL|CLI|DSN)[0-9]{4,5}[A-Z])$`)
	errPart   = regexp.MustCompile(`(?i)(?:^|_)(?:err|error|fail|code|ec|e)_`)
	screaming = regexp.MustCompile(`^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$`)
)

// notCodes are prefixes of ids, standards and versions that have the shape of a code.
var notCodes = map[string]bool{
	"UTF": true, "ISO": true, "RFC": true, "SHA": true, "AES": true, "RSA": true, "CVE": true, "GB": true, "IEC": true,
	"TLS": true, "MD": true, "EN": true, "IEEE": true, "UTC": true, "GMT": true, "VM": true, "KB": true, "JIRA": true,
	"CASE": true, "TICKET": true, "INC": true, "REQ": true, "ORDER": true, "CP": true, "WIN": true, "WINDOWS": true,
	"VER": true, "VERSION": true, "RELEASE": true, "BUILD": true, "NO": true, "FIG": true, "PORT": true, "NODE": true,
	"HOST": true, "SRV": true, "SERVER": true, "TEL": true, "ID": true, "RHEL": true, "CENTOS": true, "USD": true,
	"EUR": true, "CNY": true, "DISK": true, "FILE": true, "LOG": true, "TEST": true, "COVID": true, "JDK": true,
}

// errnos are the errno and resolver names that tickets hold.
var errnos = stringSet(`EACCES EADDRINUSE EADDRNOTAVAIL EAGAIN EAI_AGAIN EBADF EBUSY ECONNABORTED ECONNREFUSED ECONNRESET
	EDQUOT EEXIST EFBIG EHOSTDOWN EHOSTUNREACH EINTR EINVAL EIO EISDIR ELOOP EMFILE EMSGSIZE ENAMETOOLONG ENETDOWN
	ENETUNREACH ENFILE ENODEV ENOENT ENOEXEC ENOLCK ENOMEM ENOSPC ENOSYS ENOTCONN ENOTDIR ENOTEMPTY ENOTFOUND ENOTSUP
	ENXIO EOPNOTSUPP EPERM EPIPE EPROTO ERANGE EROFS ESHUTDOWN ESRCH ESTALE ETIMEDOUT ETXTBSY EWOULDBLOCK EXDEV
	NXDOMAIN SERVFAIL`)

// tellingWords make a CamelCase or SCREAMING_SNAKE name the name of an error.
var tellingWords = stringSet(`exception denied deny failed fail fails failing fault invalid illegal missing nonexistent
	unsupported unauthorized unauthenticated insufficient incorrect incomplete malformed unknown unexpected unresolvable
	duplicate duplicated exceed exceeded exceeds timedout mismatch mismatched unavailable inaccessible forbidden forbbiden
	forbid expired conflict conflicts disabled refused reject rejected violation busy already areadly arrears arrear lack
	exhausted aborted unreachable killed evicted unschedulable backoff crash deadlocked overflow throttling throttled
	unhealthy immutable ambiguous inconsistent interrupted corrupt corrupted broken oomkilled panic fatal cannot unable
	inconsistency abnormal unprocessable unreadable unrecognized unregistered undefined locked frozen suspended overdue
	stopped blocked inval shortage limited overload overloaded`)

// lastWords do so at the end of a name, where they are not the name of a setting: "WatermarkError", not "ErrorHandler".
var lastWords = stringSet(`err error failure timeout redirect lost dead deadlock miss`)

// afterNot, afterToo and afterNo are what follows "not", "too" and a leading "no" in the name of an error.
var (
	afterNot = stringSet(`found exist exists existed existent support supported match matched matches ready allowed allow
		available enough implemented valid empty signed belong running in authorized authorised permitted set appendable
		authenticated reachable registered enabled open opened configured connected initialized satisfied equal such
		complete completed present processed public responding accessible modified acceptable leader from enter`)
	afterToo = stringSet(`many large small long short big old early late frequent much high low few`)
	afterNo  = stringSet(`such permission permissions access space route stock set attribute replication resource resources
		available host network free more quota data server healthy valid primary privilege`)
)

// plainNames have a telling word but are names of fields, settings and things.
var plainNames = stringSet(`ErrorCode ErrorCodes ErrorMessage ErrorMsg ErrorLog ErrorHandler ErrorPage ErrorType NoSQL NoOps
	NotePad IfNotPresent IfNotExists ERROR_CODE ERROR_MESSAGE ERROR_LOG ErrorDocument FailFast FaultCode FaultTolerance DeadLetter DeadLetterQueue`)

// fieldWords end the names of columns and settings.
var fieldWords = stringSet(`id count counts number summary reason code message msg time attempts user host global date dates
	log level mode type size limit threshold`)

func stringSet(list string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(list) {
		set[w] = true
	}
	return set
}

func isNumbered(w string) bool {
	if !numbered.MatchString(w) {
		return false
	}
	cut := strings.IndexAny(w, ".-_0123456789")
	prefix := w[:cut]
	if strings.IndexByte(w, '_') >= 0 && !errPart.MatchString(w) {
		return false
	}
	if notCodes[strings.ToUpper(prefix)] {
		return false
	}
	// A small-letter name with a number is a code only in the dotted form with four digits: "ces.0005", not "web-001".
	if strings.ToLower(w) == w {
		return w[cut] == '.' && len(w)-strings.LastIndexByte(w, '.') > 4 && len(prefix) <= 8
	}
	return w[cut] == '.' || strings.ToUpper(w) == w
}

func isScreaming(w string) bool {
	if strings.IndexByte(w, '_') < 0 || plainNames[w] || !screaming.MatchString(w) {
		return false
	}
	parts := strings.Split(strings.ToLower(w), "_")
	if fieldWords[parts[len(parts)-1]] {
		return false
	}
	return parts[0] == "err" || parts[0] == "error" || tellingHumps(parts)
}

// telling reports whether a CamelCase name, perhaps in several parts joined by dots, names an error.
func telling(w string) bool {
	if plainNames[w] || strings.HasPrefix(w, "On") {
		return false
	}
	var humps []string
	for part := range strings.SplitSeq(w, ".") {
		for start := 0; start < len(part); {
			end := humpEnd(part, start)
			humps = append(humps, strings.ToLower(strings.TrimRight(part[start:end], "0123456789")))
			start = end
		}
	}
	return len(humps) > 1 && (strings.Contains(w, "BackOff") || tellingHumps(humps))
}

func tellingHumps(humps []string) bool {
	last := len(humps) - 1
	for i, hump := range humps {
		switch {
		case tellingWords[hump], i == last && lastWords[hump], i == 0 && (hump == "err" || hump == "bad" || hump == "slow"):
			return true
		case i == last:
		case hump == "not" && afterNot[humps[i+1]], hump == "too" && afterToo[humps[i+1]]:
			return true
		case i == 0 && hump == "no" && afterNo[humps[1]]:
			return true
		}
	}
	return false
}

// humpEnd returns the end of the CamelCase word that starts at i: "HTTP" and "Server" of "HTTPServer".
func humpEnd(s string, i int) int {
	j := i + 1
	if capital(s[i]) && j < len(s) && capital(s[j]) {
		for j < len(s) && capital(s[j]) {
			j++
		}
		if j < len(s) && !isDigit(s[j]) && j-i > 1 {
			j--
		}
		return j
	}
	for j < len(s) && !capital(s[j]) {
		j++
	}
	return j
}

func allCapitalised(parts []string) bool {
	for _, p := range parts {
		if !capital(p[0]) {
			return false
		}
	}
	return true
}

func capital(c byte) bool { return 'A' <= c && c <= 'Z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func alnum(c byte) bool   { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' }

// traits reports whether w holds a digit and a capital letter.
func traits(w string) (hasDigit, hasCapital bool) {
	for i := range len(w) {
		hasDigit = hasDigit || isDigit(w[i])
		hasCapital = hasCapital || capital(w[i])
	}
	return hasDigit, hasCapital
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

func chunkEnd(s string, i int) int {
	for i < len(s) {
		if alnum(s[i]) || s[i] == '_' {
			i++
			continue
		}
		if (s[i] != '.' && s[i] != '-') || i+1 >= len(s) || !alnum(s[i+1]) {
			break
		}
		i++
	}
	for s[i-1] == '_' {
		i--
	}
	return i
}

// tokenEnd returns the end of the printable ASCII from i on.
func tokenEnd(s string, i int) int {
	for i < len(s) && s[i] > ' ' && s[i] < utf8.RuneSelf {
		i++
	}
	return i
}

// partOfPath reports whether the chunk at i goes on after a slash, an at sign or other sign of a path, address or variable.
func partOfPath(s string, i int) bool {
	if i == 0 {
		return false
	}
	switch s[i-1] {
	case '@', '\\', '$', '%', '&':
		return true
	case '/':
		return i > 1 && (alnum(s[i-2]) || s[i-2] == '.' || s[i-2] == '/') && !strings.HasPrefix(strings.ToLower(s[max(0, i-5):i]), "http/")
	}
	return false
}
