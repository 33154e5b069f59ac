module weir.test/handshakes

go 1.25
