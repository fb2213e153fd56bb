// The provider's own main package cannot be built from its module: it embeds files that only Pulumi's release build
// writes. `make tools` puts the schema of the module beside this file.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version"
)

//go:embed schema.json
var schema []byte

func main() {
	const noTerraformMapping = "{}" // read by `pulumi convert` only
	provider.Serve("kubernetes", version.Version, schema, []byte(noTerraformMapping))
}
