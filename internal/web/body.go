package web

import (
	"bytes"
	"io"
	"net/http"
	"sync"
)

// upload is the body of a request on its way. While its source is read, the other
// side is not to blame.
type upload struct {
	watch  *watch
	body   io.ReadCloser
	taken  int // by the last Read
	closed chan struct{}
	once   sync.Once
}

// Read implements io.Reader.
func (u *upload) Read(p []byte) (int, error) {
	u.watch.rest(u.taken)
	n, err := u.body.Read(p)
	u.taken = n
	u.watch.arm()
	return n, err
}

// Close implements io.Closer.
func (u *upload) Close() error {
	err := u.body.Close()
	u.once.Do(func() { close(u.closed) })
	return err
}

// download is the body of an answer. While it is not read, the other side is not
// to blame.
type download struct {
	*attempt
	body   io.ReadCloser
	reason string
	done   bool
}

// Read implements io.Reader.
func (d *download) Read(p []byte) (int, error) {
	d.watch.arm()
	n, err := d.body.Read(p)
	d.watch.rest(n)
	switch {
	case err == io.EOF:
		d.done = true
		d.finish()
	case err != nil && !d.done:
		d.done = true
		err = d.failed(err)
	}
	return n, err
}

// Close implements io.Closer.
func (d *download) Close() error {
	d.done = true
	err := d.body.Close()
	d.finish()
	return err
}

// readWhole reads the body of an answer into memory, and closes it.
func readWhole(resp *http.Response) error {
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	resp.Body = io.NopCloser(bytes.NewReader(content))
	return nil
}
