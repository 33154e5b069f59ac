// The conformance suite of the Gateway API, as it is published: its flags are those of the binary that this becomes.
package suite

import (
	"testing"

	"sigs.k8s.io/gateway-api/conformance"
)

func TestConformance(t *testing.T) {
	conformance.RunConformance(t)
}
