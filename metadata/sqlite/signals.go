package sqlite

import (
	"context"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

func (b *batch) addSignals() error {
	for i := range b.Signals {
		if err := b.addSignal(&b.Signals[i]); err != nil {
			return err
		}
	}
	return nil
}

// addSignal stores a signal first, since one that was stored before is not refused.
func (b *batch) addSignal(sig *metadata.Signal) error {
	run, err := b.number(sig.Run)
	if err != nil {
		return err
	}
	body, err := toJSON(sig)
	if err != nil {
		return err
	}
	n, err := b.changed("INSERT INTO signals (run, id, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", run, sig.ID, body)
	if err != nil || n == 0 {
		return err
	}
	var state metadata.RunState
	if err := b.row("SELECT state FROM runs WHERE n = ?", run).Scan(&state); err != nil {
		return err
	}
	if state == metadata.RunSucceeded || state.Ended() && sig.Kind == metadata.SignalCancel {
		return component.Errorf(component.FailedPrecondition, "run %s is %s: there is nothing to %s", sig.Run, state, sig.Kind)
	}
	return nil
}

// Signals implements [metadata.Store].
func (s *store) Signals(ctx context.Context, q metadata.SignalQuery) (metadata.Page[metadata.Signal], error) {
	var after string
	err := q.Validate()
	if err == nil {
		err = begin(q.Cursor, &after)
	}
	if err != nil {
		return metadata.Page[metadata.Signal]{}, err
	}
	sel := query{sql: "SELECT body FROM signals WHERE " + ofRun + " AND id > ? ORDER BY id LIMIT ?", args: []any{q.Run, after, q.Size() + 1}}
	return page(ctx, s, "list signals", sel, q.Size(), scanBody[metadata.Signal], func(sig metadata.Signal) any { return sig.ID })
}
