module weir.test/grpc-peer

go 1.24

require google.golang.org/grpc v1.83.2
