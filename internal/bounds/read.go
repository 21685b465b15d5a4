package bounds

import (
	"fmt"
	"io"
)

// Read reads a whole document, which must not be larger than MaxDocument. The
// error is an *Error if it is, or the reader's.
func Read(from io.Reader) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(from, MaxDocument+1))
	if err == nil {
		err = fits(len(content))
	}
	return content, err
}

// MaxSBOM is how many bytes the archive of an image's SBOM layer may have. The
// SBOM of an application with ten thousand dependencies, in three formats, has less
// than 100 MB; archive and files are never in memory as a whole.
const MaxSBOM = 512 << 20

// SBOM reads the archive of an SBOM layer, and ends with an *Error if it is larger
// than MaxSBOM.
func SBOM(archive io.ReadCloser) io.ReadCloser {
	return &limited{archive, MaxSBOM, fmt.Sprintf("its SBOM layer has more than %d MiB", MaxSBOM>>20)}
}

// limited reads no more than left bytes.
type limited struct {
	io.ReadCloser
	left   int64
	reason string
}

// Read implements io.Reader.
func (l *limited) Read(p []byte) (int, error) {
	n, err := l.ReadCloser.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, &Error{l.reason}
	}
	return n, err
}

// Document reads a document that somebody else reads whole, and ends with an *Error
// if it is larger than MaxDocument. what begins the sentence that says so.
func Document(from io.ReadCloser, what string) io.ReadCloser {
	return &limited{from, MaxDocument, fmt.Sprintf("%s has more than %d MiB", what, MaxDocument>>20)}
}
