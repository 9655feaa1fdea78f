package review

import (
	"context"
	"time"

	"prediag"
)

// Lease is the right to do, alone, what has the lease's name.
type Lease struct {
	Name, Holder string
	Epoch        uint64        // grows with every change of the holder; what an earlier one still does bears a lower one
	Left         time.Duration // until it ends, by the database's clock when it answered; not more than 0: it has ended
	Authority    string        // the state of record that gave it: epochs of two of them cannot be compared
}

// Acquire takes the lease for the holder where it is free, or renews it, for the time ttl (1 ms or more), and returns the
// lease as it is then: another holder's when it was not free.
//
// Time is that of the database, so that machines need not agree on it. A holder that counts ttl from before its call never
// believes in the lease for longer than the database does. The names of the holders must differ.
func (s *Store) Acquire(ctx context.Context, name, holder string, ttl time.Duration) (l Lease, err error) {
	for _, part := range []string{name, holder} {
		if part == "" || len(part) > prediag.MaxFieldBytes {
			return Lease{}, invalid("LEASE_INVALID", "lease", "the lease %.64q of holder %.64q: both need 1 to %d bytes", name, holder, prediag.MaxFieldBytes)
		}
	}
	if ttl < time.Millisecond {
		return Lease{}, invalid("LEASE_INVALID", "lease", "a lease of %s; give it 1ms or more", ttl)
	}
	if s.writer == nil {
		return Lease{}, readOnly("acquire lease")
	}
	ctx, cancel := context.WithTimeout(ctx, max(ttl, 5*time.Second))
	defer cancel()
	err = s.transact(ctx, s.writer, nil, func(q querier) error {
		_, err := q.ExecContext(ctx, `insert into leases (name, holder, epoch, expires) values ($1, $2, 1, `+s.sql.now+` + $3)
			on conflict (name) do update set holder = excluded.holder, expires = excluded.expires,
				epoch = leases.epoch + case when leases.holder = excluded.holder and leases.expires > `+s.sql.now+` then 0 else 1 end
			where leases.holder = excluded.holder or leases.expires <= `+s.sql.now, name, holder, ttl.Microseconds())
		if err != nil {
			return err
		}
		l, err = s.loadLease(ctx, q, name)
		return err
	})
	return l, s.fault(ctx, "acquire lease", err)
}

func (s *Store) loadLease(ctx context.Context, q querier, name string) (Lease, error) {
	l := Lease{Name: name}
	var left int64
	err := q.QueryRowContext(ctx, "select holder, epoch, expires - "+s.sql.now+", (select min(id) from authority) from leases where name = $1", name).
		Scan(&l.Holder, &l.Epoch, &left, &l.Authority)
	l.Left = time.Duration(left) * time.Microsecond
	return l, err
}

// GiveUp ends a lease that its holder no longer needs, so that another one need not wait. A lease that is another one's by
// now stays.
func (s *Store) GiveUp(ctx context.Context, l Lease) error {
	return s.write(ctx, "give up lease", func(q querier) error {
		_, err := q.ExecContext(ctx, "update leases set expires = 0 where name = $1 and holder = $2 and epoch = $3", l.Name, l.Holder, int64(l.Epoch))
		return err
	})
}
