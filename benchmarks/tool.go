package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/pack-cache/pack-cache/platform"
)

// tool is one of the two that are compared.
type tool struct {
	name string
	// command returns the arguments of a build. ref names a repository of the
	// registry as this tool is to see it.
	command func(b build) ([]string, error)
	// ours says whether memory of an executable is the tool's.
	ours func(executable string) bool
	// phases reads what the tool says about its phases. marks are the times at
	// which lines of its log came, the last one the end.
	phases func(stdout []byte, marks []mark) (map[string]float64, error)
}

// build is what is to be built.
type build struct {
	registry, app, builder, cache, path string
	env                                 []string
	// importOnly reads the cache and leaves it as it is.
	importOnly bool
}

func (b build) ref(repository string) string { return b.registry + "/" + repository }

// mark is a line of a log and when it came, after the start.
type mark struct {
	line string
	at   time.Duration
}

func packCache(program string, flags ...string) tool {
	name := "pack-cache"
	if len(flags) > 0 {
		name += " " + strings.Join(flags, " ")
	}
	return tool{
		name: name,
		command: func(b build) ([]string, error) {
			args := []string{program, "build", b.ref(b.app), "--builder", b.ref(b.builder), "--path", b.path, "--engine", "sandbox",
				"--trust-builder", "--publish", "--output", "json"}
			args = append(args, flags...)
			if b.importOnly {
				args = append(args, "--import-cache", b.ref(b.cache))
			} else {
				args = append(args, "--cache-image", b.ref(b.cache))
			}
			for _, variable := range b.env {
				args = append(args, "--env", variable)
			}
			return args, nil
		},
		ours: func(executable string) bool {
			return executable == "pack-cache" || strings.HasPrefix(executable, "memfd:")
		},
		phases: func(stdout []byte, _ []mark) (map[string]float64, error) {
			var result platform.Result
			if err := json.Unmarshal(stdout, &result); err != nil {
				return nil, fmt.Errorf("read pack-cache's result: %w", err)
			}
			phases := map[string]float64{}
			for _, p := range result.Phases {
				phases[string(p.Name)] = p.Seconds
			}
			for _, saved := range result.Saved {
				if saved.Failed != "" {
					return nil, fmt.Errorf("cache not saved: %s", saved.Failed)
				}
				phases["cache"] += saved.Seconds
			}
			return phases, nil
		},
	}
}

// stockName is what the stock lifecycle is called in the figures.
const stockName = "stock"

func stockCreator() (tool, error) {
	self, err := os.Executable()
	return tool{
		name: stockName,
		command: func(b build) ([]string, error) {
			return []string{self, "stock", "-builder", b.ref(b.builder), "-path", b.path, "-cache-image", b.ref(b.cache),
				"-env", strings.Join(b.env, " "), b.ref(b.app)}, nil
		},
		ours: func(executable string) bool {
			return executable == "lifecycle" || executable == "creator" || strings.HasPrefix(executable, "memfd:")
		},
		phases: stockPhases,
	}, err
}

var stockPhase = regexp.MustCompile(`===> (ANALYZING|DETECTING|RESTORING|BUILDING|EXPORTING)`)

// stockPhases takes the phases from the lines with which they begin. The cache
// is saved after the line that says that the app image is.
func stockPhases(_ []byte, marks []mark) (map[string]float64, error) {
	names := map[string]string{"ANALYZING": "analyze", "DETECTING": "detect", "RESTORING": "restore", "BUILDING": "build", "EXPORTING": "export"}
	phases := map[string]float64{}
	current, since := "prepare", time.Duration(0)
	end := marks[len(marks)-1].at
	for _, m := range marks {
		if found := stockPhase.FindStringSubmatch(m.line); found != nil {
			phases[current] = (m.at - since).Seconds()
			current, since = names[found[1]], m.at
		}
		if strings.HasPrefix(m.line, "*** Images") {
			phases["cache"] = (end - m.at).Seconds()
		}
	}
	phases[current] = (end - since).Seconds()
	if _, saved := phases["cache"]; !saved {
		return nil, fmt.Errorf("the stock lifecycle did not say that it saved the image")
	}
	return phases, nil
}

// readMarks reads a log to its end.
func readMarks(log io.Reader, started time.Time) []mark {
	var marks []mark
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		marks = append(marks, mark{lines.Text(), time.Since(started)})
	}
	return marks
}
