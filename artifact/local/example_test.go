package local_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/tenon-ml/tenon/artifact/local"
)

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	store, err := local.Open(dir)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	ctx := context.Background()
	info, err := store.Put(ctx, strings.NewReader("hello\n"))
	if err != nil {
		log.Fatal(err)
	}
	r, err := store.Open(ctx, info.Digest)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	fmt.Printf("%s, %d bytes: %q, %v\n", info.Digest.Short(), info.Size, content, err)
	// Output: 5891b5b522d5, 6 bytes: "hello\n", <nil>
}
