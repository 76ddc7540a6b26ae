package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/transfer"
)

func (c *cli) artifactGetCommand() *cobra.Command {
	file := ""
	cmd := &cobra.Command{
		Use:   "get ARTIFACT [flags]",
		Short: "Write the content of an artifact",
		Long: "Write the content of an artifact, byte for byte as it is stored, to standard output or to a file. If the file is a\n" +
			"directory that exists, the artifact's own name is used within it. A directory artifact is written as a tar archive.",
		Example:           "tenon artifact get LAST/report -o report.html\ntenon artifact get LAST/report -o .\ntenon artifact get LAST/export | tar -t",
		Args:              arguments(1, 1, artifactReference),
		ValidArgsFunction: once(c.completeArtifacts),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withClient(cmd.Context(), func(client Client) error { return c.getArtifact(cmd.Context(), client, args[0], file) })
		},
	}
	cmd.DisableFlagsInUseLine = true
	cmd.Flags().VarP(&filled{&file, 4096}, "output", "o", "`file` to write (default: standard output)")
	return cmd
}

func (c *cli) getArtifact(ctx context.Context, client Client, ref, file string) error {
	a, err := findArtifact(ctx, client.Metadata(), ref)
	if err != nil {
		return err
	}
	run, err := client.Metadata().Run(ctx, a.Run)
	if err != nil {
		return err
	}
	store, err := client.Artifacts(ctx, run.Stack)
	if err != nil {
		return err
	}
	content, err := transfer.Content(ctx, store, a.Record)
	if err != nil {
		return err
	}
	defer content.Close()
	output := a.Name
	if output == "output" { // the only one of its step
		output = path.Base(a.Step)
	}
	name := suggestedName(a.Record, output)
	if file != "" {
		if info, err := os.Stat(file); err == nil && info.IsDir() {
			file = filepath.Join(file, name)
		}
		return c.writeFile(file, content)
	}
	r := bufio.NewReader(content)
	if c.out.file != nil {
		head, err := r.Peek(512)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if isBinary(head) {
			return usagef("the content is not text: write it to a file with -o %s, or look at it with \"tenon artifact show\"", shellQuote(name))
		}
	}
	_, err = io.Copy(c.out.w, r)
	return err
}

// writeFile writes a file whole or not at all.
func (c *cli) writeFile(to string, content io.Reader) (err error) {
	f, err := os.CreateTemp(filepath.Dir(to), ".tenon-*")
	if err != nil {
		return usage(unwrapPath("-o "+to, err))
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	n, err := io.Copy(f, content)
	if err != nil {
		return err
	}
	if err := f.Chmod(fs.FileMode(0o644)); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), to); err != nil {
		return unwrapPath("-o "+to, err)
	}
	fmt.Fprintln(c.err.w, c.err.paint(dim, "wrote "+to+", "+size(n)))
	return nil
}

// suggestedName is a file name for content: its own, or that of the output with an ending that tells the form.
func suggestedName(rec artifact.Record, output string) string {
	if name, ok := rec.Meta["name"].(string); ok {
		if name = filepath.Base(filepath.ToSlash(oneLine(name))); name != "." && name != "/" && name != ".." {
			if strings.HasPrefix(rec.Codec, "dir/") {
				return name + ".tar"
			}
			return name
		}
	}
	codec, _, _ := strings.Cut(rec.Codec, "/")
	switch codec {
	case "dir":
		return output + ".tar"
	case "parquet", "cbor", "png":
		return output + "." + codec
	case "string", "text":
		return output + ".txt"
	}
	return output + ".bin"
}

// isBinary guesses from the first bytes. A character that is cut at the end is no sign of binary content.
func isBinary(head []byte) bool {
	if bytes.IndexByte(head, 0) >= 0 {
		return true
	}
	for i := 0; i < len(head); {
		r, n := utf8.DecodeRune(head[i:])
		if r == utf8.RuneError && n == 1 && len(head)-i >= utf8.UTFMax {
			return true
		}
		if r < ' ' && r != '\n' && r != '\r' && r != '\t' {
			return true
		}
		i += n
	}
	return false
}
