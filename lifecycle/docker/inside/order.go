package inside

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"

	"github.com/pack-cache/pack-cache/lifecycle"
)

// Marker is the argument with which the engine starts the program in a container.
const Marker = "pack-cache-inside"

// Directories of the engine in its containers.
const (
	// ProgramDir has the programs.
	ProgramDir = "/.pack-cache"
	// Init is the program that starts everything else.
	Init = ProgramDir + "/init"
	// Own is the program of own phases.
	Own = ProgramDir + "/own"
	// WorkDir has the directories that attendants and copies work on, each a
	// volume.
	WorkDir = "/.pack-cache-work"
)

// Order is what a process is to do. One of its pointers is set.
type Order struct {
	// Secret begins the lines by which the process itself speaks on standard
	// error, so that a phase cannot pretend to be it.
	Secret string
	Phase  *Phase  `json:",omitempty"`
	Attend *Attend `json:",omitempty"`
	Import *Import `json:",omitempty"`
	Export *Export `json:",omitempty"`
	Copy   []Copy  `json:",omitempty"`
}

// Phase is a phase to start. The ids are those that the container has.
type Phase struct {
	Exe  string
	Args []string // the first is the program's name
	Env  []string
	Dir  string
	// Input tells that frames of standard input follow the order.
	Input bool
	// Private tells that nobody but the phase may read and write its standard
	// input and output.
	Private bool
	// Targets are paths where something has to be mounted, and nowhere else.
	Targets []string
}

// Attend is the work of an attendant: it makes the volumes and then stays, so
// that other orders can be executed beside it.
type Attend struct {
	Volumes []string
	User    lifecycle.User
}

// Import unpacks the archive that follows the order, in frames, into a volume.
type Import struct {
	Volume string
	User   lifecycle.User
}

// Export writes a file of a volume to standard output, or the archive of a
// directory.
type Export struct {
	Volume, Path string
	Directory    bool
}

// Copy copies part of the file system that the process sees into a directory of
// WorkDir.
type Copy struct {
	// From is an absolute path; symbolic links are followed.
	From string
	// To is the name of the directory. A From that is not a directory becomes
	// the file CopiedFile in it.
	To string
	// Executable leaves files executable.
	Executable bool
	// Optional makes it no failure that From is not there.
	Optional bool
}

// CopiedFile is the name of a copy that is not a directory.
const CopiedFile = "file"

// Copied says what a Copy was of. The process of copies writes one line of JSON
// with a list of them.
type Copied struct{ IsFile, Missing bool }

// Notice is what the process itself has to say: that it is ready to take or to
// give what follows, that it has done all, or why it failed.
type Notice struct {
	Ready bool   `json:",omitempty"`
	Done  bool   `json:",omitempty"`
	Error string `json:",omitempty"`
	// Remedy is what the user can do about it.
	Remedy string `json:",omitempty"`
	// Missing is set when a file is not there.
	Missing bool `json:",omitempty"`
	// Misplaced is set when the image makes it impossible that mounts, or /tmp,
	// are where they have to be.
	Misplaced bool `json:",omitempty"`
}

// maxOrder is the size of the longest order in bytes.
const maxOrder = 64 << 20

// WriteOrder sends an order.
func WriteOrder(w io.Writer, o *Order) error {
	data, err := json.Marshal(o)
	if err != nil {
		return err
	}
	if len(data) > maxOrder {
		return fmt.Errorf("an order of %d bytes", len(data))
	}
	_, err = w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), data...))
	return err
}

// readOrder receives an order, and not a byte more.
func readOrder(r io.Reader) (*Order, error) {
	data, err := readFrame(r, nil)
	if err != nil {
		return nil, fmt.Errorf("receiving an order: %w", err)
	}
	var o Order
	return &o, json.Unmarshal(data, &o)
}
