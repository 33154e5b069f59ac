package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"
)

// Serves all services of the files. An answer of the type `Told` has the requests as JSON; a request with a field `say` says the answer:
// its text as JSON, how often it is sent, the milliseconds between, and the status after it.
type server struct {
	files *protoregistry.Files
	types *dynamicpb.Types
}

func serve(files *protoregistry.Files) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	served := server{files: files, types: dynamicpb.NewTypes(files)}
	rpc := grpc.NewServer(grpc.UnknownServiceHandler(served.call))
	options := reflection.ServerOptions{Services: served, DescriptorResolver: files, ExtensionResolver: extensionsOf(files)}
	reflectionpb.RegisterServerReflectionServer(rpc, reflection.NewServerV1(options))
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	return rpc.Serve(listener)
}

// Of reflection: the names only.
func (s server) GetServiceInfo() map[string]grpc.ServiceInfo {
	all := map[string]grpc.ServiceInfo{}
	s.files.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		services := file.Services()
		for i := 0; i < services.Len(); i++ {
			all[string(services.Get(i).FullName())] = grpc.ServiceInfo{}
		}
		return true
	})
	return all
}

func (s server) call(_ any, stream grpc.ServerStream) error {
	path, _ := grpc.MethodFromServerStream(stream)
	found, err := s.files.FindDescriptorByName(protoreflect.FullName(strings.ReplaceAll(strings.TrimPrefix(path, "/"), "/", ".")))
	method, isMethod := found.(protoreflect.MethodDescriptor)
	if err != nil || !isMethod {
		return status.Errorf(codes.Unimplemented, "unknown method %s", path)
	}
	if method.IsStreamingClient() && method.IsStreamingServer() {
		return s.converse(stream, method)
	}
	requests, err := s.receive(stream, method)
	if err != nil {
		return err
	}
	if len(requests) > 0 {
		if say := requests[len(requests)-1].Descriptor().Fields().ByName("say"); say != nil && requests[len(requests)-1].Has(say) {
			return s.say(stream, method, requests[len(requests)-1].Get(say).Message())
		}
	}
	return s.tell(stream, method, requests)
}

// An answer for each request, at once.
func (s server) converse(stream grpc.ServerStream, method protoreflect.MethodDescriptor) error {
	for {
		request := dynamicpb.NewMessage(method.Input())
		if err := stream.RecvMsg(request); err != nil {
			return endOf(err)
		}
		if err := s.tell(stream, method, []protoreflect.Message{request}); err != nil {
			return err
		}
	}
}

func (s server) receive(stream grpc.ServerStream, method protoreflect.MethodDescriptor) ([]protoreflect.Message, error) {
	requests := []protoreflect.Message{}
	for {
		request := dynamicpb.NewMessage(method.Input())
		if err := stream.RecvMsg(request); err != nil {
			return requests, endOf(err)
		}
		requests = append(requests, request)
	}
}

func endOf(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (s server) tell(stream grpc.ServerStream, method protoreflect.MethodDescriptor, requests []protoreflect.Message) error {
	told := dynamicpb.NewMessage(method.Output())
	set := func(name protoreflect.Name, value string) {
		if field := told.Descriptor().Fields().ByName(name); field != nil && field.IsList() {
			told.Mutable(field).List().Append(protoreflect.ValueOfString(value))
		} else if field != nil && field.Kind() == protoreflect.StringKind {
			told.Set(field, protoreflect.ValueOfString(value))
		}
	}
	set("method", string(method.FullName()))
	for _, request := range requests {
		text, err := protojson.MarshalOptions{Resolver: s.types}.Marshal(request.Interface())
		if err != nil {
			return err
		}
		set("requests", string(text))
	}
	headers, _ := metadata.FromIncomingContext(stream.Context())
	for _, value := range headers.Get("x-test") {
		set("header", value)
	}
	if _, hasDeadline := stream.Context().Deadline(); hasDeadline {
		set("deadline", "yes")
	}
	return stream.SendMsg(told)
}

func (s server) say(stream grpc.ServerStream, method protoreflect.MethodDescriptor, said protoreflect.Message) error {
	value := func(name protoreflect.Name) protoreflect.Value {
		return said.Get(said.Descriptor().Fields().ByName(name))
	}
	_ = stream.SetHeader(metadata.Pairs("x-said", "yes"))
	stream.SetTrailer(metadata.Pairs("x-after", "yes"))
	for i := int64(0); i < value("count").Int(); i++ {
		answer := dynamicpb.NewMessage(method.Output())
		text := strings.ReplaceAll(value("answer").String(), "$i", fmt.Sprint(i))
		if err := (protojson.UnmarshalOptions{Resolver: s.types}).Unmarshal([]byte(text), answer); err != nil {
			return status.Error(codes.Internal, err.Error())
		}
		if err := stream.SendMsg(answer); err != nil {
			return err
		}
		time.Sleep(time.Duration(value("pause").Int()) * time.Millisecond)
	}
	if value("code").Int() == 0 {
		return nil
	}
	return s.statusOf(value("code").Int(), value("message").String(), value("details").List())
}

func (s server) statusOf(code int64, message string, details protoreflect.List) error {
	ended := &spb.Status{Code: int32(code), Message: message}
	for i := 0; i < details.Len(); i++ {
		wire, err := proto.Marshal(details.Get(i).Message().Interface())
		if err != nil {
			return err
		}
		detail := &anypb.Any{}
		if err := proto.Unmarshal(wire, detail); err != nil {
			return err
		}
		ended.Details = append(ended.Details, detail)
	}
	return status.ErrorProto(ended)
}
