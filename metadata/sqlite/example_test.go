package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/metadata/sqlite"
)

// A database is one file, which is made when it is first opened. Several programs may use it at once.
func ExampleOpen() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "sqlite")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	store, err := sqlite.Open(ctx, filepath.Join(dir, "tenon.db"), sqlite.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()

	stack, err := store.PutStack(ctx, metadata.Stack{Name: "production", Spec: []byte("name: production\n")}, 0)
	fmt.Println(stack.Name, stack.Version, err)
	_, err = store.PutStack(ctx, metadata.Stack{Name: "production", Spec: []byte("name: production\n# late\n")}, 7)
	fmt.Println(err)
	// Output:
	// production 1 <nil>
	// stack production was changed meanwhile (version 1, not 7): look at it and try again
}
