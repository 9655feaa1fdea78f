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
var tellingWords = stringSet(`err error errors exception denied deny failed fail fails failure failing fault invalid illegal
	missing miss not nonexistent unsupported unauthorized unauthenticated insufficient incorrect incomplete malformed
	unknown unexpected unresolvable duplicate duplicated too exceed exceeded exceeds timeout timedout mismatch
	mismatched unavailable inaccessible forbidden forbbiden forbid expired conflict conflicts disabled refused reject
	rejected violation busy already areadly arrears arrear lack exhausted aborted unreachable killed evicted unschedulable
	backoff crash deadlock deadlocked overflow throttling throttled unhealthy immutable ambiguous inconsistent interrupted
	corrupt corrupted broken lost dead oom oomkilled panic fatal cannot unable inconsistency abnormal unprocessable
	unreadable unrecognized unregistered undefined locked frozen suspended overdue stopped blocked inval dependency
	cancelled without immutable shortage limited overload overloaded redirect bad`)

// firstWords do so at the start of a name only.
var firstWords = stringSet("no none without slow lack")

// plainNames have a telling word but are names of fields, settings and things.
var plainNames = stringSet(`ErrorCode ErrorCodes ErrorMessage ErrorMsg ErrorLog ErrorHandler ErrorPage ErrorType NoSQL NoOps
	NotePad ERROR_CODE ERROR_MESSAGE ERROR_LOG ErrorDocument FailFast FaultCode FaultTolerance DeadLetter DeadLetterQueue`)

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
	for part := range strings.SplitSeq(strings.ToLower(w), "_") {
		if tellingWords[part] {
			return true
		}
	}
	return false
}

// telling reports whether a CamelCase name, perhaps in several parts joined by dots, names an error.
func telling(w string) bool {
	if plainNames[w] {
		return false
	}
	humps, found := 0, strings.Contains(w, "BackOff")
	for part := range strings.SplitSeq(w, ".") {
		for start := 0; start < len(part); {
			end := humpEnd(part, start)
			hump := strings.ToLower(strings.TrimRight(part[start:end], "0123456789"))
			found = found || tellingWords[hump] || start == 0 && firstWords[hump]
			humps++
			start = end
		}
	}
	return found && humps > 1
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
