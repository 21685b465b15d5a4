package testregistry

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"

	"github.com/pack-cache/pack-cache/internal/test/testprocess"
)

// listening is the registry's log line that says which port it got.
var listening = regexp.MustCompile(`listening on (127\.0\.0\.1:\d+)`)

// run starts the registry and returns it with its address.
func run(ctx context.Context, binary, config string) (*testprocess.Process, string, error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	cmd := exec.Command(binary, "serve", config)
	// The registry takes settings from REGISTRY_ variables; none are meant.
	cmd.Env = []string{}
	read, write := io.Pipe()
	cmd.Stderr = write
	p, err := testprocess.Start(cmd)
	if err != nil {
		return nil, "", err
	}
	go func() {
		<-p.Done
		write.Close()
	}()
	address := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(read)
		for lines.Scan() {
			if m := listening.FindStringSubmatch(lines.Text()); m != nil {
				address <- m[1]
				break
			}
		}
		io.Copy(io.Discard, read)
	}()
	select {
	case addr := <-address:
		return p, addr, nil
	case <-p.Done:
		return nil, "", fmt.Errorf("%w: %s", errors.New("it ended at once"), p.Log())
	case <-ctx.Done():
		p.Kill()
		return nil, "", ctx.Err()
	}
}
