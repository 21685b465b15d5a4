package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
)

// figures are what one run of a tool cost. Times are seconds, sizes bytes.
type figures struct {
	Sample   string `json:"sample"`
	Link     string `json:"link"`
	Scenario string `json:"scenario"`
	Tool     string `json:"tool"`
	Round    int    `json:"round"`

	Whole  float64            `json:"whole"`
	Phases map[string]float64 `json:"phases"`
	CPU    float64            `json:"cpu"`
	Memory int64              `json:"memory"`
	// InMemory is the peak of the files that were kept in memory.
	InMemory int64 `json:"in_memory"`
	Received int64 `json:"received"`
	Sent     int64 `json:"sent"`
	Written  int64 `json:"written"`
}

// phases are the parts of a run, as the report shows them. "cache" is saving the
// cache, within or after export; the others add up to nearly the whole.
func phaseNames() []string {
	return []string{"prepare", "analyze", "detect", "restore", "build", "export", "cache"}
}

// readFigures reads a results file, empty if there is none.
func readFigures(path string) ([]figures, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []figures
	return all, json.Unmarshal(content, &all)
}

func writeFigures(path string, all []figures) error {
	content, err := json.MarshalIndent(all, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o644)
}

// median of values; 0 of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
