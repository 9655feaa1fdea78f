package review

import "context"

// LastExample is the sequence of the newest example; 0 when there is none.
func (s *Store) LastExample(ctx context.Context) (last int64, err error) {
	err = s.read(ctx, "find the last example", func(q querier) error {
		return q.QueryRowContext(ctx, "select coalesce(max(seq), 0) from examples").Scan(&last)
	})
	return last, err
}
