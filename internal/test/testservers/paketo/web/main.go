// Command web is a buildpack on Paketo's library packit, which writes layers of
// every kind, SBOMs in every format and all of launch.toml. It is also the
// executable in exec.d of one of its layers.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/paketo-buildpacks/packit/v2"
)

func main() {
	if strings.HasSuffix(os.Args[0], "greet") {
		greet()
		return
	}
	packit.Run(detect, build)
}

// detect asks for a JDK to compile with and a JRE to run on.
func detect(context packit.DetectContext) (packit.DetectResult, error) {
	if _, err := os.Stat(filepath.Join(context.WorkingDir, "Main.java")); err != nil {
		return packit.DetectResult{}, packit.Fail.WithMessage("there is no Main.java")
	}
	return packit.DetectResult{Plan: packit.BuildPlan{Requires: []packit.BuildPlanRequirement{
		{Name: "jdk"},
		{Name: "jre", Metadata: map[string]any{"launch": true}},
	}}}, nil
}

// greet sets an environment variable for the process that is about to start
// (CNB Buildpack specification, exec.d).
func greet() {
	if _, err := fmt.Fprintf(os.NewFile(3, "variables"), "GREETING = \"hello to %s\"\n", os.Getenv("DATABASE_HOST")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
