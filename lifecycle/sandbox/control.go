package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// message is what two of the engine's processes say to each other. One field
// is set, and File tells that an open file comes with it.
type message struct {
	// From pack-cache to init or a helper.
	Task *task `json:"task,omitempty"` // run this phase
	Stop bool  `json:"stop,omitempty"` // ask the phase to end
	Job  *job  `json:"job,omitempty"`  // do this

	// From a helper, and the answer to it.
	Blob string `json:"blob,omitempty"` // digest of a layer to be read

	// From init, setup or a helper to pack-cache.
	Note    *note            `json:"note,omitempty"`
	Failure *confine.Failure `json:"failure,omitempty"`
	Result  *result          `json:"result,omitempty"`

	File bool `json:"file,omitempty"`
}

// note is something for the user.
type note struct {
	Level string `json:"level"`
	Text  string `json:"text"`
}

// result is what a helper or a probe found.
type result struct {
	// Layers are the unpacked layers, lowest first.
	Layers []string `json:"layers,omitempty"`
	// Support is what a probe found.
	Support *support `json:"support,omitempty"`
	// Freed is how many bytes were freed.
	Freed int64 `json:"freed,omitempty"`
}

// control is one end of a stream of messages between two processes. Sending is
// safe for concurrent use, receiving is not.
type control struct {
	conn *net.UnixConn
	in   *json.Decoder
	// socket is what the conversation was begun over. A file that nobody has any
	// more is closed by the garbage collector, and init hands this one on to
	// setup by its number.
	socket *os.File

	send  sync.Mutex
	files []*os.File // received and not yet claimed by their message
}

// newControl speaks over a socket. The file stays the caller's, and open at
// least as long as the control is used if the caller does not close it.
func newControl(socket *os.File) (*control, error) {
	conn, err := net.FileConn(socket)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	c := &control{conn: conn.(*net.UnixConn), socket: socket}
	c.in = json.NewDecoder(c)
	return c, nil
}

// socketPair returns two connected sockets.
func socketPair() (ours, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("control socket: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "control"), os.NewFile(uintptr(fds[1]), "control"), nil
}

// Send sends a message, with an open file if there is one. The file stays the
// caller's.
func (c *control) Send(m message, file *os.File) error {
	m.File = file != nil
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	c.send.Lock()
	defer c.send.Unlock()
	if file != nil {
		// The file travels with the first byte, the rest needs a plain write.
		if _, _, err := c.conn.WriteMsgUnix(data[:1], unix.UnixRights(int(file.Fd())), nil); err != nil {
			return err
		}
		data = data[1:]
	}
	_, err = c.conn.Write(data)
	return err
}

// Receive waits for a message. It fails when the other end is gone.
func (c *control) Receive() (message, *os.File, error) {
	var m message
	if err := c.in.Decode(&m); err != nil {
		return m, nil, err
	}
	if !m.File {
		return m, nil, nil
	}
	if len(c.files) == 0 {
		return m, nil, errors.New("a file is missing from the control socket")
	}
	file := c.files[0]
	c.files = c.files[1:]
	return m, file, nil
}

// Read implements io.Reader for the decoder. It keeps the files that arrive.
func (c *control) Read(p []byte) (int, error) {
	oob := make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := c.conn.ReadMsgUnix(p, oob)
	if err != nil {
		return 0, err
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		return 0, err
	}
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			return 0, err
		}
		for _, fd := range fds {
			c.files = append(c.files, os.NewFile(uintptr(fd), "received"))
		}
	}
	return n, nil
}

// Close ends the conversation.
func (c *control) Close() error {
	for _, file := range c.files {
		file.Close()
	}
	return c.conn.Close()
}
