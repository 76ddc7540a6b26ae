package workerrpc

import (
	"context"

	"connectrpc.com/connect"

	"github.com/tenon-ml/tenon/component"
	workerv1 "github.com/tenon-ml/tenon/proto/tenon/worker/v1"
)

// service is the server as the protocol sees it. Tokens were checked before.
type service struct{ s *Server }

var _ workerv1.WorkerServiceHandler = (*service)(nil)

var errClosing = component.Errorf(component.Unavailable, "the engine is closing: it takes nothing any more")

// Claim implements [workerv1.WorkerServiceHandler].
func (v *service) Claim(ctx context.Context, req *workerv1.ClaimRequest, stream *connect.ServerStream[workerv1.ClaimResponse]) error {
	common, err := negotiate(req.GetProtocol(), req.GetOldestProtocol())
	if err != nil {
		return toWire(err)
	}
	if err := v.sameRun(req.GetRun()); err != nil {
		return toWire(err)
	}
	a, err := v.s.config.Host.Claim(ctx, req.GetAttempt())
	if err != nil {
		return toWire(err)
	}
	if v.s.config.Gone != nil {
		defer v.s.config.Gone(req.GetAttempt())
	}
	assignment, err := assignmentTo(a)
	if err != nil {
		return toWire(err)
	}
	claimed := &workerv1.Claimed{Protocol: common, Assignment: assignment, Job: jobTo(v.s.config.Job)}
	if err := stream.Send(&workerv1.ClaimResponse{Event: &workerv1.ClaimResponse_Claimed{Claimed: claimed}}); err != nil {
		return err
	}
	select {
	case <-a.Stop:
	case <-ctx.Done():
		return toWire(ctx.Err())
	}
	if err := stream.Send(&workerv1.ClaimResponse{Event: &workerv1.ClaimResponse_Stop{Stop: &workerv1.Stop{}}}); err != nil {
		return err
	}
	<-ctx.Done() // the worker ended, or the server is closed
	return toWire(ctx.Err())
}

// Beat implements [workerv1.WorkerServiceHandler].
func (v *service) Beat(ctx context.Context, req *workerv1.BeatRequest) (*workerv1.BeatResponse, error) {
	if !v.s.begin() {
		return nil, toWire(errClosing)
	}
	defer v.s.calls.Done()
	if err := v.sameRun(req.GetRun()); err != nil {
		return nil, toWire(err)
	}
	b, err := beatFrom(req)
	if err == nil {
		err = checkBeat(v.s.config.Run, b)
	}
	if err == nil {
		err = v.s.config.Host.Beat(ctx, b)
	}
	if err != nil {
		return nil, toWire(err)
	}
	return &workerv1.BeatResponse{}, nil
}

// Finish implements [workerv1.WorkerServiceHandler]. A report that has arrived counts, even if its worker has ended since.
func (v *service) Finish(ctx context.Context, req *workerv1.FinishRequest) (*workerv1.FinishResponse, error) {
	if !v.s.begin() {
		return nil, toWire(errClosing)
	}
	defer v.s.calls.Done()
	if err := v.sameRun(req.GetRun()); err != nil {
		return nil, toWire(err)
	}
	r, err := reportFrom(req)
	if err == nil {
		err = checkReport(v.s.config.Run, r)
	}
	if err == nil {
		err = v.s.config.Host.Finish(context.WithoutCancel(ctx), r)
	}
	if err != nil {
		return nil, toWire(err)
	}
	return &workerv1.FinishResponse{}, nil
}

func (v *service) sameRun(run string) error {
	if run != v.s.config.Run {
		return component.Errorf(component.PermissionDenied, "the token is that of run %s: it gives no access to run %.80q", v.s.config.Run, run)
	}
	return nil
}
