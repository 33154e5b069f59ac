module weir.test/conformance

go 1.26.0

require sigs.k8s.io/gateway-api/conformance v1.6.3

// Its own go.mod names a version that only exists beside it.
replace sigs.k8s.io/gateway-api => sigs.k8s.io/gateway-api v1.6.3
