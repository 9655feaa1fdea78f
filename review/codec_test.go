package review

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

// randomTime is a time in some zone, or the zero time.
func randomTime() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "zero") {
			return time.Time{}
		}
		zone := time.FixedZone("", 900*rapid.IntRange(-48, 56).Draw(t, "zone"))
		sec := rapid.Int64Range(-60_000_000_000, 250_000_000_000).Draw(t, "sec")
		return time.Unix(sec, rapid.Int64Range(0, 999_999_999).Draw(t, "nsec")).In(zone)
	})
}

// randomOf is any value of the type, with finite numbers and times of any zone.
func randomOf[T any]() *rapid.Generator[T] {
	return rapid.MakeCustom[T](rapid.MakeConfig{
		Types: map[reflect.Type]*rapid.Generator[any]{reflect.TypeFor[time.Time](): randomTime().AsAny()},
		Kinds: map[reflect.Kind]*rapid.Generator[any]{
			reflect.Float64: rapid.Float64Range(-math.MaxFloat64, math.MaxFloat64).AsAny(),
			reflect.String:  rapid.StringN(0, 12, -1).AsAny(),
		},
	})
}

// eachTime calls f with every time within v, found by reflection, so that a time in a new field is not forgotten.
func eachTime(v reflect.Value, f func(time.Time)) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		f(v.Interface().(time.Time))
	case v.Kind() == reflect.Pointer && !v.IsNil():
		eachTime(v.Elem(), f)
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			eachTime(v.Field(i), f)
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			eachTime(v.Index(i), f)
		}
	}
}

func TestDiagnosisRoundTrip(t *testing.T) {
	random := randomOf[prediag.Diagnosis]()
	rapid.Check(t, func(t *rapid.T) {
		want := random.Draw(t, "diagnosis")
		body, err := encodeDiagnosis(want)
		require.NoError(t, err)
		got, err := decodeDiagnosis(want.ID, body)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(want, got)) // times are compared as instants, nil and empty are told apart
		eachTime(reflect.ValueOf(got), func(at time.Time) { require.Equal(t, time.UTC, at.Location()) })
		again, err := encodeDiagnosis(got)
		require.NoError(t, err)
		require.Equal(t, string(body), string(again))
	})
}

func TestResolutionAndExampleRoundTrip(t *testing.T) {
	resolutions, examples := randomOf[prediag.Resolution](), randomOf[prediag.Example]()
	rapid.Check(t, func(t *rapid.T) {
		r, e := resolutions.Draw(t, "resolution"), examples.Draw(t, "example")
		var gotR prediag.Resolution
		var gotE prediag.Example
		roundTrip(t, r, &gotR)
		roundTrip(t, e, &gotE)
		require.Empty(t, cmp.Diff(r, gotR))
		require.Empty(t, cmp.Diff(e, gotE))
	})
}

func roundTrip(t require.TestingT, v, into any) {
	body, err := encode(v)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(body, into))
}

func TestEncodeLeavesTheArgumentAlone(t *testing.T) {
	zone := time.FixedZone("", 8*3600)
	at := time.Date(2026, 1, 1, 8, 0, 0, 0, zone)
	d := prediag.Diagnosis{Hits: []prediag.Hit{{Updated: at}}, Handoff: &prediag.Handoff{Deadline: at}}
	_, err := encodeDiagnosis(d)
	require.NoError(t, err)
	require.Equal(t, zone, d.Hits[0].Updated.Location())
	require.Equal(t, zone, d.Handoff.Deadline.Location())
}

func TestWhatCannotBeStoredIsRefused(t *testing.T) {
	s := openStore(t, Options{})
	for name, d := range map[string]prediag.Diagnosis{
		"not a number":       {ID: "d", Solved: math.NaN()},
		"infinite":           {ID: "d", Hits: []prediag.Hit{{Score: math.Inf(1)}}},
		"year 10000":         {ID: "d", Created: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
		"no id":              {},
		"handoff without id": {ID: "d", Handoff: &prediag.Handoff{Queue: "network"}},
		"long id":            {ID: string(make([]byte, prediag.MaxFieldBytes+1))},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Record(t.Context(), noKey, d)
			require.ErrorIs(t, err, prediag.ErrInvalid)
		})
	}
	require.Zero(t, count(t, s, "select count(*) from diagnoses"))
}

func FuzzDecodeDiagnosis(f *testing.F) {
	for _, d := range []prediag.Diagnosis{diagnosis(1), withCase(2, "network", "L1", 5)} {
		body, err := encodeDiagnosis(d)
		require.NoError(f, err)
		f.Add(body)
	}
	f.Add([]byte(`{"ID":1}`))
	f.Add([]byte(`{"Hits":[null],"Handoff":{}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := decodeDiagnosis("x", body)
		if err != nil {
			require.ErrorIs(t, err, prediag.ErrDamaged)
			return
		}
		once, err := encodeDiagnosis(d)
		require.NoError(t, err)
		d2, err := decodeDiagnosis("x", once)
		require.NoError(t, err)
		twice, err := encodeDiagnosis(d2)
		require.NoError(t, err)
		require.Equal(t, string(once), string(twice))
	})
}
