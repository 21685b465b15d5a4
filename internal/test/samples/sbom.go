package samples

import (
	"encoding/json"
	"fmt"
	"path"
	"runtime/debug"
	"strings"

	"github.com/pack-cache/pack-cache/internal/test/samples/rootfs"
)

// component is a Go module in an executable.
type component struct{ name, version string }

func (c component) purl() string { return "pkg:golang/" + c.name + "@" + c.version }

// addSBOMs writes what an executable is made of beside it, in the three formats
// in which the lifecycle's own releases have it.
func addSBOMs(fs *rootfs.FS, executable string, info *debug.BuildInfo) error {
	components := []component{{info.Main.Path, info.Main.Version}}
	for _, dep := range info.Deps {
		if dep.Replace != nil {
			dep = dep.Replace
		}
		components = append(components, component{dep.Path, dep.Version})
	}
	name, version := path.Base(executable), strings.TrimPrefix(info.Main.Version, "v")
	for extension, document := range map[string]any{
		"cdx":  cycloneDX(name, version, components),
		"spdx": spdx(name, version, components),
		"syft": syft(name, components),
	} {
		raw, err := json.MarshalIndent(document, "", "  ")
		if err != nil {
			return err
		}
		fs.File(executable+".sbom."+extension+".json", 0o644, rootfs.Owner{}, append(raw, '\n'))
	}
	return nil
}

type object = map[string]any

func cycloneDX(name, version string, components []component) object {
	list := []object{}
	for _, c := range components {
		list = append(list, object{"type": "library", "name": c.name, "version": c.version, "purl": c.purl(), "bom-ref": c.purl()})
	}
	return object{
		"bomFormat": "CycloneDX", "specVersion": "1.4", "version": 1,
		"metadata":   object{"component": object{"type": "application", "name": name, "version": version}},
		"components": list,
	}
}

func spdx(name, version string, components []component) object {
	list := []object{}
	for i, c := range components {
		list = append(list, object{
			"SPDXID": fmt.Sprintf("SPDXRef-Package-%d", i), "name": c.name, "versionInfo": c.version,
			"downloadLocation": "NOASSERTION", "licenseConcluded": "NOASSERTION",
			"externalRefs": []object{{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": c.purl()}},
		})
	}
	return object{
		"spdxVersion": "SPDX-2.2", "SPDXID": "SPDXRef-DOCUMENT", "dataLicense": "CC0-1.0", "name": name,
		"documentNamespace": "urn:pack-cache:samples:" + name + ":" + version,
		"creationInfo":      object{"created": "1980-01-01T00:00:01Z", "creators": []string{"Tool: pack-cache-samples"}},
		"packages":          list,
	}
}

func syft(name string, components []component) object {
	list := []object{}
	for i, c := range components {
		list = append(list, object{
			"id": fmt.Sprint(i), "name": c.name, "version": c.version, "type": "go-module", "purl": c.purl(),
		})
	}
	return object{
		"artifacts": list, "artifactRelationships": []object{},
		"source": object{"type": "file", "target": name},
		"schema": object{"version": "3.0.1"},
	}
}
