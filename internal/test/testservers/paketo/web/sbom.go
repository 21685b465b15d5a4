package main

import (
	"fmt"
	"strings"

	"github.com/paketo-buildpacks/packit/v2"
)

// boms are small documents in the three formats of the CNB Buildpack
// specification, with one component.
func boms(component string) packit.SBOMFormats {
	document := func(extension, text string) packit.SBOMFormat {
		return packit.SBOMFormat{Extension: extension, Content: strings.NewReader(fmt.Sprintf(text, component))}
	}
	return packit.SBOMFormats{
		document("cdx.json", `{"bomFormat":"CycloneDX","specVersion":"1.4","version":1,"components":[{"type":"library","name":%q}]}`),
		document("spdx.json", `{"spdxVersion":"SPDX-2.2","SPDXID":"SPDXRef-DOCUMENT","packages":[{"name":%q}]}`),
		document("syft.json", `{"artifacts":[{"name":%q}],"schema":{"version":"3.0.1"}}`),
	}
}
