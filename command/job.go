package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/step"
)

// job is one call of a program. Its directory holds all that belongs to it:
//
//	work/    the working directory, with the files of the command
//	in/      inputs, {params}
//	out/     outputs
//	tmp/     temporary files
//	report   what the program reports
type job struct {
	*command
	name          string // of the program, for errors
	dir           string
	in            reflect.Value
	paths         map[string]string // of what was written in in/, by placeholder
	argv          []string
	vars          []string // of the environment
	stdin, stdout string   // paths, or empty
}

const dirMode = 0o700

func newJob(ctx context.Context, c *command, in reflect.Value) (*job, error) {
	temp, err := step.TempDir(ctx)
	if err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	if _, inRun := step.Info(ctx); !inRun {
		context.AfterFunc(ctx, func() { os.RemoveAll(temp) })
	}
	// Links in the path would make every output seem to lead out of the directory.
	parent, err := filepath.EvalSymlinks(temp)
	if err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	dir, err := os.MkdirTemp(parent, "command-*")
	if err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	j := &job{command: c, dir: dir, in: in, paths: map[string]string{}}
	for _, d := range []string{"work", "in", "out", "tmp"} {
		if err := os.Mkdir(j.path(d), dirMode); err != nil {
			return nil, fmt.Errorf("make a directory: %w", err)
		}
	}
	return j, nil
}

func (j *job) path(elem ...string) string {
	return filepath.Join(append([]string{j.dir}, elem...)...)
}

func (j *job) outPath(o output) string { return j.path("out", o.file) }

// prepare makes everything that the program is given.
func (j *job) prepare(ctx context.Context, spec Spec) error {
	if err := j.copyFiles(ctx, spec.Files); err != nil {
		return err
	}
	for _, o := range j.outputs {
		if o.form != formDir {
			continue
		}
		if err := os.Mkdir(j.outPath(o), dirMode); err != nil {
			return fmt.Errorf("make the directory of output %s: %w", o.name, err)
		}
	}
	for i, t := range j.args {
		arg, err := j.fill(ctx, t)
		if err == nil && i == 0 {
			j.name = filepath.Base(arg)
			arg, err = j.find(arg)
		}
		if err != nil {
			return err
		}
		j.argv = append(j.argv, arg)
	}
	if err := j.environment(ctx); err != nil {
		return err
	}
	return j.streams(ctx)
}

// streams finds the files of standard input and output.
func (j *job) streams(ctx context.Context) (err error) {
	if j.reads != nil {
		j.stdin, err = j.value(ctx, *j.reads)
	}
	if j.writes != nil && err == nil {
		j.stdout, err = j.value(ctx, *j.writes)
	}
	return err
}

// find returns the path of the program.
func (j *job) find(program string) (string, error) {
	if filepath.IsAbs(program) {
		return program, nil
	}
	if strings.ContainsRune(filepath.ToSlash(program), '/') {
		return j.path("work", program), nil
	}
	path, err := exec.LookPath(program)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return "", step.Permanent(component.Errorf(component.NotFound, "there is no program %q in PATH: install it where the step runs, or name its path: %w", program, reason(err)))
	}
	return path, nil
}

// reason is why a program was not found, without what the message says already.
func reason(err error) error {
	if e := (*exec.Error)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}

// fill puts values in place of the placeholders.
func (j *job) fill(ctx context.Context, t template) (string, error) {
	var b strings.Builder
	for _, p := range t {
		if p.name == "" {
			b.WriteString(p.text)
			continue
		}
		value, err := j.value(ctx, p)
		if err != nil {
			return "", err
		}
		if strings.ContainsRune(value, 0) {
			return "", step.Permanent(component.Errorf(component.Invalid, "the value of %v holds a NUL byte, which no program can be given", p))
		}
		b.WriteString(value)
	}
	return b.String(), nil
}

// value returns what stands for a placeholder: a path or a parameter.
func (j *job) value(ctx context.Context, p part) (string, error) {
	if p.out {
		i := slices.IndexFunc(j.outputs, func(o output) bool { return o.name == p.name })
		return j.outPath(j.outputs[i]), nil
	}
	if path, ok := j.paths[p.String()]; ok {
		return path, nil
	}
	if p.name == paramsName {
		path, err := j.writeParams()
		if err != nil {
			return "", step.Permanent(component.Errorf(component.Invalid, "write the parameters as JSON: %w", err))
		}
		j.paths[p.String()] = path
		return path, nil
	}
	f := j.fields[p.name]
	v := j.in.Field(f.index)
	if f.kind == kindParam {
		text, err := valueText(v)
		if err != nil {
			return "", step.Permanent(component.Errorf(component.Invalid, "parameter %s: %w", p.name, err))
		}
		return text, nil
	}
	path, err := j.input(ctx, p, f, v)
	if err != nil {
		return "", fmt.Errorf("input %s: %w", p.name, err)
	}
	j.paths[p.String()] = path
	return path, nil
}

// writeParams writes all parameters as one JSON object.
func (j *job) writeParams() (string, error) {
	params := map[string]any{}
	for i := range j.in.NumField() {
		sf := j.in.Type().Field(i)
		if f, ok := j.fields[sf.Name]; !ok || f.kind != kindParam {
			continue
		}
		name, _ := jsonName(sf)
		params[name] = j.in.Field(i).Interface()
	}
	data, err := json.Marshal(params)
	if err != nil {
		return "", err
	}
	path := j.path("in", "params.json")
	return path, os.WriteFile(path, append(data, '\n'), 0o600)
}
