package prediag

// Limits on what the service accepts. What is over a limit is refused with an error that names it, never cut silently.
const (
	MaxTicketBytes  = 256 << 10 // title and body of a ticket together, bytes of UTF-8
	MaxTitleBytes   = 4 << 10   // title of a ticket, bytes
	MaxTicketCodes  = 64        // codes in Ticket.Codes
	MaxTicketFields = 64        // entries of Ticket.Fields
	MaxFieldBytes   = 1 << 10   // any other string of a request: IDs, names, tags, bytes
	MaxQueryRunes   = 8192      // Query.Text, characters; a longer ticket is shortened by triage, on purpose and visibly
	MaxBatch        = 500       // tickets in one batch
	MaxPageSize     = 100       // hits in one page
	MaxOffset       = 1000      // hits that paging may pass over
)
