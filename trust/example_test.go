package trust_test

import (
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/trust"
)

// A builder is trusted if a list of the user has it.
func ExampleJudge() {
	builder := name.MustParseReference("registry.example.com/acme/builder:1")
	listed := trust.List{File: "config.toml", Builders: []string{"registry.example.com/acme/builder"}}

	fmt.Println(trust.Judge(builder, v1.Hash{}, trust.JudgeInput{Listed: listed}).Reason)
	fmt.Println(trust.Judge(builder, v1.Hash{}, trust.JudgeInput{}).Reason)
	// Output:
	// trusted: listed in config.toml as registry.example.com/acme/builder
	// untrusted: neither a known builder nor listed
}

// The source cannot make its builder trusted.
func ExampleJudge_fromProject() {
	builder := name.MustParseReference("registry.example.com/acme/builder")
	verdict := trust.Judge(builder, v1.Hash{}, trust.JudgeInput{TrustBuilderFlag: true, FromProject: true})
	fmt.Println(verdict.Trusted)
	// Output: false
}

// A scope lists what a phase may do, and no more.
func ExampleScope() {
	app := name.MustParseReference("registry.example.com/team/app").Context()
	run := name.MustParseReference("registry.example.com/base/run").Context()
	for _, access := range (trust.Scope{trust.Push(app), trust.Pull(run)}) {
		fmt.Println(access)
	}
	// Output:
	// push to registry.example.com/team/app
	// pull from registry.example.com/base/run
}
