package workerrpc

import (
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tenon-ml/tenon/component"
)

// text is s with what is not UTF-8 replaced, since a message of protobuf cannot hold it.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// all converts the elements of a list.
func all[A, B any](list []A, convert func(A) B) []B {
	if list == nil {
		return nil
	}
	out := make([]B, len(list))
	for i, a := range list {
		out[i] = convert(a)
	}
	return out
}

// each converts the elements of a list, to the first that cannot be.
func each[A, B any](list []A, convert func(A) (B, error)) ([]B, error) {
	if list == nil {
		return nil, nil
	}
	out := make([]B, len(list))
	for i, a := range list {
		b, err := convert(a)
		if err != nil {
			return nil, err
		}
		out[i] = b
	}
	return out, nil
}

func timeTo(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// timeFrom returns the instant in the local zone, as time.Now does.
func timeFrom(field string, t *timestamppb.Timestamp) (time.Time, error) {
	if t == nil {
		return time.Time{}, nil
	}
	if err := t.CheckValid(); err != nil {
		return time.Time{}, component.Errorf(component.Invalid, "%s: %w", field, err)
	}
	return t.AsTime().Local(), nil
}

func durationTo(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}

// durationFrom returns d, cut to what a time.Duration holds.
func durationFrom(d *durationpb.Duration) time.Duration { return d.AsDuration() }

func notNegative(field string, n int64) error {
	if n < 0 {
		return component.Errorf(component.Invalid, "%s is %d: it must not be negative", field, n)
	}
	return nil
}
