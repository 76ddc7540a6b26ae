package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// machine is where and when the figures were taken. What the system does not tell is empty.
type machine struct {
	Date   string `json:"date"`
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Memory int64  `json:"memory"` // bytes
	Kernel string `json:"kernel"`
	OS     string `json:"os"`
	Arch   string `json:"arch"`
	Go     string `json:"go"`
	SQLite string `json:"sqlite"`
}

// thisMachine describes this one. Model, memory and kernel are read where Linux has them.
func thisMachine() machine {
	m := machine{
		Date: time.Now().Format(time.DateOnly), Cores: runtime.NumCPU(), OS: runtime.GOOS, Arch: runtime.GOARCH, Go: runtime.Version(),
		CPU: field("/proc/cpuinfo", "model name"), SQLite: driverName,
	}
	if kib, err := strconv.ParseInt(strings.TrimSuffix(field("/proc/meminfo", "MemTotal"), " kB"), 10, 64); err == nil {
		m.Memory = kib << 10
	}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = strings.TrimSpace(string(release))
	}
	return m
}

// field returns the first value of a file with lines of the form "name: value".
func field(path, name string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// String is one line for people.
func (m machine) String() string {
	parts := []string{m.Date, strings.TrimSpace(fmt.Sprintf("%s/%s %s", m.OS, m.Arch, m.Kernel))}
	if m.CPU != "" {
		parts = append(parts, m.CPU)
	}
	parts = append(parts, fmt.Sprintf("%d cores", m.Cores))
	if m.Memory > 0 {
		parts = append(parts, fmt.Sprintf("%.0f GiB of memory", float64(m.Memory)/gib))
	}
	return strings.Join(append(parts, m.Go, m.SQLite), ", ")
}
