package cli

import (
	"fmt"

	"github.com/spf13/pflag"
)

// mostListed is how much of what is deleted is mostListed for people; -o json has all of it.
const mostListed = 20

// deleting are the flags of commands that make content garbage.
type deleting struct {
	yes, dryRun, gc bool
}

func (d *deleting) add(flags *pflag.FlagSet, done string) {
	flags.BoolVarP(&d.yes, "yes", "y", false, "do not ask")
	flags.BoolVar(&d.dryRun, "dry-run", false, "only say what would be "+done)
	flags.BoolVar(&d.gc, "gc", false, "then delete content that nothing refers to any more, as \"tenon gc\" does")
}

func (d *deleting) check() error {
	if d.gc && d.dryRun {
		return usagef("with --dry-run nothing becomes free that --gc could delete: leave one of them out")
	}
	return nil
}

// gcHint says what frees the space.
func (c *cli) gcHint() {
	fmt.Fprintln(c.err.w, c.err.paint(dim, "\"tenon gc\" deletes the content that nothing refers to any more"))
}
