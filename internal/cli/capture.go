package cli

import (
	"bufio"
	"io"
	"os"
)

// redirect keeps what steps print to os.Stdout, which they share with this program, from spoiling what is shown: lines go above a live
// table, and beside the result if that is JSON. It returns a function that takes this back.
//
// Standard error stays as it is, so that the last words of a process that ends itself are not lost.
func (c *cli) redirect(shown progress, f format) (undo func()) {
	if c.app.Stdout != io.Writer(os.Stdout) {
		return func() {}
	}
	original := os.Stdout
	l, ok := shown.(*live)
	if !ok || c.out.file == nil {
		if errs, ok := c.app.Stderr.(*os.File); ok && f.json() {
			os.Stdout = errs
		}
		return func() { os.Stdout = original }
	}
	r, w, err := os.Pipe()
	if err != nil {
		return func() {} // the table may look odd, the run is not affected
	}
	os.Stdout = w
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		printedLines(r, l.printed)
	}()
	return func() {
		os.Stdout = original
		w.Close()
		<-drained
		r.Close()
	}
}

// printedLines calls yield for each line of r; very long ones come in pieces.
func printedLines(r io.Reader, yield func(string)) {
	lines := bufio.NewReaderSize(r, 16<<10)
	for {
		line, _, err := lines.ReadLine()
		if err != nil {
			return
		}
		yield(string(line))
	}
}
