package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tenon-ml/tenon/internal/logs"
	"github.com/tenon-ml/tenon/step"
)

const (
	// reportMark begins every report.
	reportMark = "::tenon"
	// reportPause is the time between two looks at the file of reports.
	reportPause = 200 * time.Millisecond
	// malformedLimit is how many malformed reports are shown.
	malformedLimit = 10
	// metricNameLimit is the longest name, in bytes.
	metricNameLimit = 200
)

// reporter takes what a program reports about its work. It is safe for concurrent use.
type reporter struct {
	ctx    context.Context //nolint:containedctx // lives for one call
	logger *slog.Logger

	mu        sync.Mutex
	malformed int
}

// take takes a line if it is a report, well-formed or not.
func (r *reporter) take(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte(reportMark))
	if !ok || len(rest) > 0 && rest[0] != ' ' && rest[0] != '\t' {
		return false
	}
	if err := r.report(string(rest)); err != nil {
		r.warn(line, err)
	}
	return true
}

// report carries out "metric loss=0.25" or "progress 3/10".
func (r *reporter) report(text string) error {
	verb, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	rest = strings.TrimSpace(rest)
	switch verb {
	case "metric":
		i := max(0, strings.LastIndexByte(rest, '='))
		name, number := strings.TrimSpace(rest[:i]), strings.TrimSpace(rest[min(i+1, len(rest)):])
		if name == "" || len(name) > metricNameLimit {
			return errors.New("want metric NAME=VALUE")
		}
		value, err := strconv.ParseFloat(number, 64)
		if err != nil {
			return fmt.Errorf("%.40q is no number", number)
		}
		step.Metric(r.ctx, name, value)
	case "progress":
		done, total, bounded := strings.Cut(rest, "/")
		d, err := strconv.ParseUint(done, 10, 63)
		var t uint64
		if err == nil && bounded {
			t, err = strconv.ParseUint(total, 10, 63)
		}
		if err != nil {
			return errors.New("want progress DONE/TOTAL, or progress DONE")
		}
		step.Progress(r.ctx, int64(d), int64(t))
	default:
		return errors.New("want metric or progress")
	}
	return nil
}

func (r *reporter) warn(line []byte, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.malformed++
	switch {
	case r.malformed <= malformedLimit:
		r.logger.Warn("a report is malformed: "+err.Error(), "report", strings.ToValidUTF8(string(line[:min(len(line), 100)]), "\uFFFD"))
	case r.malformed == malformedLimit+1:
		r.logger.Warn("more reports are malformed, which is not shown")
	}
}

// follow reads the reports that the program appends to a file, until done is closed and everything is read.
func (r *reporter) follow(file *os.File, done <-chan struct{}) {
	s := logs.Splitter{Line: func(line []byte) {
		line = bytes.TrimRight(line, "\r")
		if len(line) > 0 && !r.take(line) {
			r.warn(line, errors.New("want a line that begins with "+reportMark))
		}
	}}
	pause := time.NewTicker(reportPause)
	defer pause.Stop()
	for last := false; ; {
		if _, err := io.Copy(&s, file); err != nil {
			r.logger.Warn("reports cannot be read", "err", err)
			return
		}
		if last {
			s.Close()
			return
		}
		select {
		case <-done:
			last = true
		case <-pause.C:
		}
	}
}
