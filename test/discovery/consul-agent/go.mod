module weir.test/consul

go 1.26

require github.com/hashicorp/consul v1.22.5

exclude (
	github.com/hashicorp/go-msgpack v1.1.5
	github.com/hashicorp/go-msgpack v1.1.6
)

// Agents find each other in clouds with it. It needs the libraries of all clouds, which are half of the build.
replace github.com/hashicorp/go-discover => ./discover
