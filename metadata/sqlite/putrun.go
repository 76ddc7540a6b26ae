package sqlite

import (
	"database/sql"
	"errors"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

func (b *batch) createRuns() error {
	for i := range b.Create {
		if err := b.createRun(&b.Create[i], b.create[i]); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) createRun(r *metadata.Run, body string) error {
	outputs, err := outputsColumn(r.Outputs)
	if err != nil {
		return err
	}
	res, err := b.exec(`INSERT INTO runs (id, name, pipeline, state, lost, epoch, graph, plan, code, body, outputs) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING`, r.ID, r.Name, r.Pipeline, string(r.State), r.Lost, r.Epoch, sum(r.Graph), sum(r.Plan), sum(r.Code), body, outputs)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, component.Errorf(component.AlreadyExists, "metadata: run %s already exists", r.ID))
	}
	for k, v := range r.Tags {
		if _, err := b.exec("INSERT INTO run_tags (key, value, run_id) VALUES (?, ?, ?)", k, v, r.ID); err != nil {
			return err
		}
	}
	n, err := res.LastInsertId()
	if err != nil {
		return err
	}
	b.runs[r.ID] = n
	return b.referOutputs(n, r.Outputs)
}

func (b *batch) updateRuns() error {
	for i := range b.Update {
		if err := b.updateRun(&b.Update[i]); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) updateRun(u *metadata.Run) error {
	var n int64
	var body []byte
	err := b.row("SELECT n, body FROM runs WHERE id = ?", u.ID).Scan(&n, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return component.Errorf(component.NotFound, "metadata: run %s does not exist", u.ID)
	}
	if err != nil {
		return err
	}
	r, err := fromJSON[metadata.Run](body)
	if err != nil {
		return err
	}
	if !r.State.CanBecome(u.State) {
		return component.Errorf(component.FailedPrecondition, "metadata: run %s is %s and cannot become %s", u.ID, r.State, u.State)
	}
	if u.Epoch < r.Epoch {
		return fenced(u.ID, r.Epoch, u.Epoch)
	}
	if u.Epoch == r.Epoch && !u.Driver.Same(r.Driver) {
		return component.Errorf(component.FailedPrecondition, "metadata: run %s has another driver in epoch %d: %s, process %d", u.ID, r.Epoch, r.Driver.Host, r.Driver.PID)
	}
	r.State, r.Epoch, r.Driver, r.Started, r.Finished = u.State, u.Epoch, u.Driver, u.Started, u.Finished
	r.Error, r.Lost, r.Cost, r.Counts = u.Error, u.Lost, u.Cost, u.Counts
	old := [...]artifact.Digest{r.Plan, r.Code}
	if u.Plan != "" {
		r.Plan, r.Code = u.Plan, u.Code
	}
	text, err := toJSON(r)
	if err != nil {
		return err
	}
	outputs, err := outputsColumn(u.Outputs)
	if err != nil {
		return err
	}
	if _, err := b.exec("UPDATE runs SET state = ?, lost = ?, epoch = ?, body = ?, outputs = ? WHERE n = ?", string(r.State), r.Lost, r.Epoch, text, outputs, n); err != nil {
		return err
	}
	if old != [...]artifact.Digest{r.Plan, r.Code} {
		if err := b.replacePlan(n, &r, old[:]); err != nil {
			return err
		}
	}
	return b.referOutputs(n, u.Outputs)
}

// replacePlan gives a run the plan of r, and what goes with it.
func (b *batch) replacePlan(run int64, r *metadata.Run, old []artifact.Digest) error {
	if _, err := b.exec("UPDATE runs SET plan = ?, code = ? WHERE n = ?", sum(r.Plan), sum(r.Code), run); err != nil {
		return err
	}
	for _, d := range old {
		if err := b.dropDocument(sum(d)); err != nil {
			return err
		}
	}
	return nil
}

func outputsColumn(outputs map[string]artifact.Record) (any, error) {
	if outputs == nil {
		return nil, nil //nolint:nilnil // NULL
	}
	return toJSON(outputs)
}

func (b *batch) referOutputs(run int64, outputs map[string]artifact.Record) error {
	for _, r := range outputs {
		if err := b.referRecord(run, theRun, r); err != nil {
			return err
		}
	}
	return nil
}
