module weir.test/hpack-peer

go 1.24

require golang.org/x/net v0.49.0
