// A gRPC server with the services that tools expect of one, health checks and reflection, and a client that asks for them.
//
//	grpc-peer serve         prints its port and serves until its standard input ends
//	grpc-peer shop VERSION  the same with a service of orders, and that version of reflection
//	grpc-peer ask ADDRESS   prints what it was told as one line of JSON
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"sort"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
)

func main() {
	var err error
	switch {
	case len(os.Args) == 2 && os.Args[1] == "serve":
		err = serve()
	case len(os.Args) == 3 && os.Args[1] == "shop":
		err = shop(os.Args[2])
	case len(os.Args) == 3 && os.Args[1] == "ask":
		err = ask(os.Args[2])
	default:
		err = fmt.Errorf("usage: grpc-peer serve | shop VERSION | ask ADDRESS")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	checks := health.NewServer()
	checks.SetServingStatus("test.Up", healthpb.HealthCheckResponse_SERVING)
	checks.SetServingStatus("test.Down", healthpb.HealthCheckResponse_NOT_SERVING)
	healthpb.RegisterHealthServer(server, checks)
	reflection.Register(server)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	return server.Serve(listener)
}

type answers struct {
	Up         string   `json:"up"`
	Down       string   `json:"down"`
	Compressed string   `json:"compressed"`
	Unknown    string   `json:"unknown"`
	Watched    []string `json:"watched"`
	Services   []string `json:"services"`
	Described  int      `json:"described"`
}

func ask(address string) error {
	connection, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	told := answers{}
	checks := healthpb.NewHealthClient(connection)
	told.Up = check(ctx, checks, "test.Up")
	told.Down = check(ctx, checks, "test.Down")
	told.Compressed = check(ctx, checks, "test.Up", grpc.UseCompressor(gzip.Name))
	told.Unknown = check(ctx, checks, "test.Unknown")
	if told.Watched, err = watch(ctx, checks); err != nil {
		return err
	}
	if told.Services, told.Described, err = reflect(ctx, connection); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(told)
}

func check(ctx context.Context, checks healthpb.HealthClient, service string, options ...grpc.CallOption) string {
	answer, err := checks.Check(ctx, &healthpb.HealthCheckRequest{Service: service}, options...)
	if err != nil {
		return err.Error()
	}
	return answer.Status.String()
}

// A watch never ends by itself: its first answer is read, then it is cancelled.
func watch(ctx context.Context, checks healthpb.HealthClient) ([]string, error) {
	ctx, cancel := context.WithCancel(ctx)
	stream, err := checks.Watch(ctx, &healthpb.HealthCheckRequest{Service: "test.Up"})
	if err != nil {
		return nil, err
	}
	first, err := stream.Recv()
	if err != nil {
		return nil, err
	}
	cancel()
	_, err = stream.Recv()
	return []string{first.Status.String(), err.Error()}, nil
}

// Two questions on one stream, as tools ask them.
func reflect(ctx context.Context, connection *grpc.ClientConn) ([]string, int, error) {
	stream, err := reflectionpb.NewServerReflectionClient(connection).ServerReflectionInfo(ctx)
	if err != nil {
		return nil, 0, err
	}
	list := &reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}}
	if err := stream.Send(list); err != nil {
		return nil, 0, err
	}
	listed, err := stream.Recv()
	if err != nil {
		return nil, 0, err
	}
	services := []string{}
	for _, service := range listed.GetListServicesResponse().GetService() {
		services = append(services, service.Name)
	}
	sort.Strings(services)
	symbol := &reflectionpb.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: "grpc.health.v1.Health"}
	if err := stream.Send(&reflectionpb.ServerReflectionRequest{MessageRequest: symbol}); err != nil {
		return nil, 0, err
	}
	described, err := stream.Recv()
	if err != nil {
		return nil, 0, err
	}
	if err := stream.CloseSend(); err != nil {
		return nil, 0, err
	}
	if _, err := stream.Recv(); err != io.EOF {
		return nil, 0, fmt.Errorf("reflection did not end well: %v", err)
	}
	return services, len(described.GetFileDescriptorResponse().GetFileDescriptorProto()), nil
}
