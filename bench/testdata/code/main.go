// This program is laid over a module of 50,000 lines, started with "go run", and tells what the fingerprint of its step took: where
// it was made from, the number of its parts, and the nanoseconds.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/tenon-ml/tenon/compress/zstd"
	"github.com/tenon-ml/tenon/internal/fingerprint"
)

func main() {
	ctx, began := context.Background(), time.Now()
	prints := fingerprint.New(fingerprint.Options{MemoDir: os.Args[1]})
	p, err := prints.Fingerprint(ctx, unpack, "")
	took := time.Since(began)
	if err != nil {
		log.Fatal(err)
	}
	parts, err := prints.Explain(ctx, unpack, "")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.Mode, len(parts), took.Nanoseconds())
}

func unpack(_ context.Context, in []byte) ([]byte, error) {
	d, err := zstd.NewReader(nil)
	if err != nil {
		return nil, err
	}
	return d.DecodeAll(in, nil)
}
