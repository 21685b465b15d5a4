// Command test-servers builds the servers that tests run: all of them, or those
// that are named.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"time"

	"github.com/pack-cache/pack-cache/internal/test/testneeds"
	"github.com/pack-cache/pack-cache/internal/test/testservers"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for _, tool := range testservers.Tools() {
		named := slices.Contains(os.Args[1:], tool.Name)
		if !named && (tool.Seldom || len(os.Args) > 1) {
			continue
		}
		began := time.Now()
		path, err := testservers.Build(ctx, tool)
		if errors.Is(err, exec.ErrNotFound) && !testneeds.CI() {
			fmt.Fprintf(os.Stderr, "%s is left out, and its tests will be: %v\n", tool.Name, err)
			continue
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Printf("%s (%s)\n", path, time.Since(began).Round(time.Second))
	}
}
