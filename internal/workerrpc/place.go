package workerrpc

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/tenon-ml/tenon/component"
)

const (
	socketName = "socket"
	tokenName  = "token"
	// pathLimit bounds the path of a socket in bytes. Systems take 103 and more.
	pathLimit = 100

	unixScheme     = "unix://"
	loopbackScheme = "http://"
)

// place is where workers find a server.
type place struct {
	address  string   // for orchestrator.EnvWorker
	socket   string   // its path; empty on loopback
	token    string   // path of the file with the token
	dirs     []string // of its own
	listener net.Listener
}

// open makes a place: the token in a directory within dir, and the socket beside it, or where its path is short enough, or where there are
// none on loopback.
func open(ctx context.Context, dir, token string, loopback bool) (*place, error) {
	own, err := os.MkdirTemp(dir, "rpc") // mode 0700
	if err != nil {
		return nil, coded(err)
	}
	p := &place{token: filepath.Join(own, tokenName), dirs: []string{own}}
	if err := errors.Join(p.writeToken(token), p.listen(ctx, loopback)); err != nil {
		return nil, errors.Join(err, p.remove())
	}
	return p, nil
}

func (p *place) listen(ctx context.Context, loopback bool) error {
	var unix error
	if !loopback {
		if unix = p.listenUnix(ctx); unix == nil {
			return nil
		}
	}
	// Not every system, nor every file system, has sockets.
	if err := p.listenLoopback(ctx); err != nil {
		return coded(errors.Join(unix, err))
	}
	return nil
}

func (p *place) listenUnix(ctx context.Context) error {
	p.socket = filepath.Join(p.dirs[0], socketName)
	if len(p.socket) > pathLimit {
		short, err := os.MkdirTemp("", "tenon")
		if err != nil {
			return err
		}
		p.dirs = append(p.dirs, short)
		p.socket = filepath.Join(short, socketName)
	}
	l, err := bind(ctx, p.socket)
	if err != nil {
		p.socket = ""
		return err
	}
	p.listener, p.address = l, unixScheme+p.socket
	return nil
}

func (p *place) listenLoopback(ctx context.Context) error {
	var c net.ListenConfig
	l, err := c.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	p.listener, p.address = limited(l), loopbackScheme+l.Addr().String()
	return nil
}

// bind listens on a socket that only its owner may connect to.
func bind(ctx context.Context, path string) (net.Listener, error) {
	var c net.ListenConfig
	l, err := c.Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false) // its successor has the same path
	}
	// Its directory is private already.
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return limited(l), nil
}

// writeToken writes the file whole or not at all.
func (p *place) writeToken(token string) error {
	if err := os.WriteFile(p.token+".new", []byte(token+"\n"), 0o600); err != nil {
		return coded(err)
	}
	return coded(os.Rename(p.token+".new", p.token))
}

// restore makes what is missing of the place again, under the same names. It returns the new listener, if there had to be one.
func (p *place) restore(ctx context.Context, token string) (net.Listener, error) {
	if exists(p.token) && !p.gone() {
		return nil, nil
	}
	for _, dir := range p.dirs {
		// Not its parents: who moved them away does not want them back.
		if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	if !exists(p.token) {
		if err := p.writeToken(token); err != nil {
			return nil, err
		}
	}
	if !p.gone() {
		return nil, nil
	}
	return bind(ctx, p.socket)
}

// gone reports whether the socket is not there any more.
func (p *place) gone() bool { return p.socket != "" && !exists(p.socket) }

// exists reports false only if there is certainly nothing.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// remove removes the directories.
func (p *place) remove() error {
	var errs []error
	for _, dir := range p.dirs {
		errs = append(errs, os.RemoveAll(dir))
	}
	return coded(errors.Join(errs...))
}

// dialTarget is the network and the address behind an address of a place.
func dialTarget(address string) (network, target string, err error) {
	if path, ok := strings.CutPrefix(address, unixScheme); ok && path != "" {
		return "unix", path, nil
	}
	if host, ok := strings.CutPrefix(address, loopbackScheme); ok && host != "" {
		return "tcp", host, nil
	}
	return "", "", component.Errorf(component.Invalid, "%q is no address of an engine: want unix:///PATH or http://HOST:PORT", address)
}

// coded marks an error of the file system or the network.
func coded(err error) error {
	if err == nil {
		return nil
	}
	return component.Errorf(component.Unavailable, "%w", err)
}
