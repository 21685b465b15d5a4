package samples

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"unicode/utf16"
)

// trustStorePassword is what every Java knows its trust store by. It protects
// nothing: certificates are public.
const trustStorePassword = "changeit"

// javaTrustStore turns a PEM bundle into a Java trust store in the JKS format,
// which every Java reads and which, unlike PKCS#12, has nothing random in it.
func javaTrustStore(bundle []byte) ([]byte, error) {
	var entries bytes.Buffer
	count := uint32(0)
	for rest := bundle; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		writeInts(&entries, uint32(2)) // a trusted certificate, not a key
		writeUTF(&entries, fmt.Sprintf("machine-%03d", count))
		writeInts(&entries, uint64(315532801000)) // when it was added, in ms
		writeUTF(&entries, "X.509")
		writeInts(&entries, uint32(len(block.Bytes)))
		entries.Write(block.Bytes)
		count++
	}
	if count == 0 {
		return nil, errors.New("the CA bundle has no certificate")
	}
	var store bytes.Buffer
	writeInts(&store, uint32(0xFEEDFEED), uint32(2), count)
	store.Write(entries.Bytes())

	// The format ends with a digest over the password in UTF-16, a constant of
	// its inventors, and the store.
	sum := sha1.New()
	writeInts(sum, utf16.Encode([]rune(trustStorePassword)))
	io.WriteString(sum, "Mighty Aphrodite")
	sum.Write(store.Bytes())
	return sum.Sum(store.Bytes()), nil
}

// writeInts writes numbers in the byte order of Java. Neither a buffer nor a
// hash fails.
func writeInts(w io.Writer, numbers ...any) {
	for _, n := range numbers {
		_ = binary.Write(w, binary.BigEndian, n)
	}
}

// writeUTF writes ASCII text as Java's DataOutput.writeUTF does.
func writeUTF(w io.Writer, text string) {
	writeInts(w, uint16(len(text)))
	io.WriteString(w, text)
}
