package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/export"
	"github.com/tenon-ml/tenon/metadata"
)

func (c *cli) artifactGetCommand() *cobra.Command {
	file, form := "", ""
	cmd := &cobra.Command{
		Use:   "get ARTIFACT [flags]",
		Short: "Write the content of an artifact, or show it",
		Long: "Write the content of an artifact to standard output or to a file. If the file is a directory that exists, the artifact's\n" +
			"own name is used within it.\n\n" +
			"The content is written byte for byte as it is stored; a directory artifact is a tar archive. With --as it is written in\n" +
			"another form: rows as CSV or as one JSON object a line, numbers as CSV or a JSON list, other values as JSON. In CSV a null\n" +
			"is an empty field.\n\n" +
			"On a terminal, without --as, as much is shown as fits it: the first rows of a table, the size of an image, a text.",
		Example: "tenon artifact get LAST/report -o report.html\ntenon artifact get LAST/report -o .\ntenon artifact get LAST/load --as csv > rows.csv\n" +
			"tenon artifact get penguins/Model@latest --as json\ntenon artifact get LAST/export | tar -t",
		Args:              arguments(1, 1, artifactReference),
		ValidArgsFunction: once(c.completeArtifacts),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withClient(cmd.Context(), func(client Client) error {
				return c.getArtifact(cmd.Context(), client, args[0], file, export.Form(form))
			})
		},
	}
	cmd.DisableFlagsInUseLine = true
	cmd.Flags().VarP(&filled{&file, 4096}, "output", "o", "`file` to write (default: standard output)")
	cmd.Flags().Var(&choice{&form, []string{string(export.Raw), string(export.JSON), string(export.CSV)}}, "as", "`form` to write: raw, json or csv (default raw)")
	return cmd
}

func (c *cli) getArtifact(ctx context.Context, client Client, ref, file string, form export.Form) (err error) {
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
	content := export.NewContent(store, a.Record)
	defer func() {
		err = errors.Join(err, content.Close())
		if a.Pruned && errors.Is(err, component.ErrNotFound) {
			err = component.Errorf(component.NotFound, "the content of artifact %s was deleted, since \"tenon cache prune\" has let go of it: run the pipeline again", a.ID)
		}
	}()
	kind, err := content.Kind(ctx)
	switch {
	case err != nil:
		return err
	case form == "" && file == "" && c.out.file != nil:
		return c.look(ctx, a, content, kind)
	case form == "":
		form = export.Raw
	case !kind.Has(form):
		return usagef("artifact %s was written by codec %s and cannot be written as %s: it can as %s", shortID(a.ID), oneLine(a.Record.Codec), form, forms(kind))
	}
	write := func(w io.Writer) error { return writeAs(ctx, w, content, kind, form) }
	name := fileName(a, form)
	if file != "" {
		if info, err := os.Stat(file); err == nil && info.IsDir() {
			file = filepath.Join(file, name)
		}
		return c.writeFile(file, write)
	}
	if c.out.file == nil {
		return write(c.out.w)
	}
	if kind != export.Text && form == export.Raw {
		return usagef("the content is not text: write it to a file with -o %s, or look at it without --as", shellQuote(name))
	}
	plain := &plainWriter{w: c.out.w}
	return errors.Join(write(plain), plain.flush())
}

func writeAs(ctx context.Context, w io.Writer, content *export.Content, kind export.Kind, form export.Form) error {
	if form != export.Raw {
		if err := export.Convert(ctx, w, content, kind, form); err != nil {
			return fmt.Errorf("write it as %s: %w", form, err)
		}
		return nil
	}
	r, err := content.Open(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(w, r)
	return err
}

func forms(kind export.Kind) string {
	var names []string
	for _, f := range kind.Forms() {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}

// writeFile writes a file whole or not at all.
func (c *cli) writeFile(to string, write func(io.Writer) error) (err error) {
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
	if err := write(f); err != nil {
		return err
	}
	n, err := f.Seek(0, io.SeekEnd)
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

// fileName is a file name for an artifact in a form.
func fileName(a metadata.Artifact, form export.Form) string {
	output := a.Name
	if output == "output" { // the only one of its step
		output = path.Base(a.Step)
	}
	name := suggestedName(a.Record, output)
	switch form {
	case export.CSV, export.JSON:
		return strings.TrimSuffix(name, path.Ext(name)) + "." + string(form)
	}
	return name
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
