// Service prices options over HTTP: each request starts a run, whose progress can be followed, and which survives the service.
//
//	go run ./examples/service -addr 127.0.0.1:8080
//	curl -i -d '{"strike": 105}' -H 'Content-Type: application/json' http://127.0.0.1:8080/runs   # starts a run: 201, with its ID
//	curl -N http://127.0.0.1:8080/runs/ID/events                                                  # streams what happens in it
//	curl http://127.0.0.1:8080/runs/ID                                                            # its state, and its result
//	curl -X POST http://127.0.0.1:8080/runs/ID/cancel                                             # stops it
//	curl http://127.0.0.1:8080/runs                                                               # all runs, the newest first
//
// With the header Idempotency-Key a request may be sent again: it starts one run. With {"review": true} a run asks a person before it
// publishes its quote:
//
//	curl -d '{"by": "ada"}' -H 'Content-Type: application/json' http://127.0.0.1:8080/runs/ID/approve   # or /reject
//
// Kill the service while runs are going, with kill -9 or Ctrl-C, and start it again: it finishes them. What had succeeded is not run again, and
// simulations go on from their checkpoints; the file journal in the directory of -ledger shows what ran. With -runner process each step runs in
// a process of its own.
//
// The service lets in everybody who reaches its address. One that others can reach needs authentication in front of it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

// options are what the command line says.
type options struct {
	addr, home, ledger, runner string
	active, parallel           int
	acceptChanges              bool
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("service", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.addr, "addr", "127.0.0.1:8080", "`address` to listen on; port 0 is any that is free")
	flags.StringVar(&o.home, "home", "", "state `directory` (default TENON_HOME, or ~/.tenon)")
	flags.StringVar(&o.ledger, "ledger", filepath.Join(os.TempDir(), "tenon-quotes"), "`directory` in which quotes are published")
	flags.StringVar(&o.runner, "runner", "goroutine", "how steps run: goroutine, or process, each in one of its own")
	flags.IntVar(&o.active, "active", 32, "`runs` at once; further ones are refused until one has ended, but for those that an earlier service began")
	flags.IntVar(&o.parallel, "parallel", 2, "`steps` of a run at once")
	flags.BoolVar(&o.acceptChanges, "accept-changes", false, "finish also the runs that another version of this program began")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	var err error
	switch {
	case flags.NArg() > 0:
		err = fmt.Errorf("argument %q is not a flag", flags.Arg(0))
	case o.runner != "goroutine" && o.runner != "process":
		err = fmt.Errorf("-runner %q is neither goroutine nor process", o.runner)
	case o.active < 1:
		err = fmt.Errorf("-active %d: want at least 1", o.active)
	case o.parallel < 1:
		err = fmt.Errorf("-parallel %d: want at least 1", o.parallel)
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
	}
	return o, err
}

func main() {
	o, err := parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		os.Exit(2)
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := run(o, logger); err != nil {
		logger.Error("the service ends", "err", err)
		os.Exit(1)
	}
}

// run serves until the process is asked to end. A process that was started as a worker executes its step in RunWorker, and goes no further.
func run(o options, logger *slog.Logger) error {
	ledger, err := OpenLedger(o.ledger)
	if err != nil {
		return err
	}
	quotes := Quotes(ledger)
	config := tenon.Config{Home: o.home, Logger: logger}
	tenon.RunWorker(quotes, config)

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(ctx, stop)() // a second signal ends the process at once, as it does by default
	client, err := tenon.Open(ctx, config)
	if err != nil {
		return err
	}
	s := newService(client, quotes, o.active, pipeline.RunConfig{
		Parallel: o.parallel, Steps: step.Configs{"*": {Runner: o.runner}},
	}, logger)
	s.recover(ctx, o.acceptChanges)
	return errors.Join(serve(ctx, o.addr, s), client.Close())
}

// serve answers requests until ctx ends, and those that have come by then.
func serve(ctx context.Context, addr string, s *service) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: s.handler(), ErrorLog: slog.NewLogLogger(s.logger.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute,
	}
	server.RegisterOnShutdown(s.endStreams)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	s.logger.Info("listening", "url", "http://"+listener.Addr().String())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.logger.Info("stopping: the runs that are going are finished by the next start")
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return server.Shutdown(patience)
}
