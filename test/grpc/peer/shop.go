// A service with messages of many kinds of fields, which tools and tests find by reflection. Its types are those of ../shop.proto.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/reflection"
	reflectionalpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"
)

const (
	text    = descriptorpb.FieldDescriptorProto_TYPE_STRING
	integer = descriptorpb.FieldDescriptorProto_TYPE_INT32
	long    = descriptorpb.FieldDescriptorProto_TYPE_INT64
	decimal = descriptorpb.FieldDescriptorProto_TYPE_DOUBLE
	raw     = descriptorpb.FieldDescriptorProto_TYPE_BYTES
	message = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE
	word    = descriptorpb.FieldDescriptorProto_TYPE_ENUM
)

func field(name string, number int32, kind descriptorpb.FieldDescriptorProto_Type, typeName string) *descriptorpb.FieldDescriptorProto {
	made := &descriptorpb.FieldDescriptorProto{
		Name:   proto.String(name),
		Number: proto.Int32(number),
		Type:   kind.Enum(),
		Label:  descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
	}
	if typeName != "" {
		made.TypeName = proto.String(typeName)
	}
	return made
}

func list(of *descriptorpb.FieldDescriptorProto) *descriptorpb.FieldDescriptorProto {
	of.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
	return of
}

func shopFile() (protoreflect.FileDescriptor, error) {
	note := field("note", 7, text, "")
	note.Proto3Optional = proto.Bool(true)
	note.OneofIndex = proto.Int32(0)
	labels := &descriptorpb.DescriptorProto{
		Name:    proto.String("LabelsEntry"),
		Field:   []*descriptorpb.FieldDescriptorProto{field("key", 1, text, ""), field("value", 2, text, "")},
		Options: &descriptorpb.MessageOptions{MapEntry: proto.Bool(true)},
	}
	method := func(name string, client, server bool) *descriptorpb.MethodDescriptorProto {
		return &descriptorpb.MethodDescriptorProto{
			Name: proto.String(name), InputType: proto.String(".shop.Order"), OutputType: proto.String(".shop.Order"),
			ClientStreaming: proto.Bool(client), ServerStreaming: proto.Bool(server),
		}
	}
	file := &descriptorpb.FileDescriptorProto{
		Name:       proto.String("shop.proto"),
		Package:    proto.String("shop"),
		Syntax:     proto.String("proto3"),
		Dependency: []string{"google/protobuf/timestamp.proto"},
		MessageType: []*descriptorpb.DescriptorProto{
			{Name: proto.String("Card"), Field: []*descriptorpb.FieldDescriptorProto{
				field("number", 1, text, ""), field("holder", 2, text, ""), field("digits", 3, integer, "")}},
			{Name: proto.String("Item"), Field: []*descriptorpb.FieldDescriptorProto{
				field("sku", 1, text, ""), field("price", 2, decimal, "")}},
			{Name: proto.String("Order"), Field: []*descriptorpb.FieldDescriptorProto{
				field("id", 1, text, ""), field("card", 2, message, ".shop.Card"), list(field("items", 3, message, ".shop.Item")),
				list(field("labels", 4, message, ".shop.Order.LabelsEntry")), field("cents", 5, long, ""),
				field("status", 6, word, ".shop.Status"), note, field("token", 8, raw, ""),
				field("created", 9, message, ".google.protobuf.Timestamp")},
				NestedType: []*descriptorpb.DescriptorProto{labels},
				OneofDecl:  []*descriptorpb.OneofDescriptorProto{{Name: proto.String("_note")}}},
		},
		EnumType: []*descriptorpb.EnumDescriptorProto{{Name: proto.String("Status"), Value: []*descriptorpb.EnumValueDescriptorProto{
			{Name: proto.String("NEW"), Number: proto.Int32(0)}, {Name: proto.String("PAID"), Number: proto.Int32(1)}}}},
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("Orders"), Method: []*descriptorpb.MethodDescriptorProto{
			method("Create", false, false), method("Upload", true, false), method("List", false, true), method("Chat", true, true)}}},
	}
	return protodesc.NewFile(file, protoregistry.GlobalFiles)
}

// shop serves until the standard input ends. version: of the reflection that it serves, "v1", "v1alpha" or "none".
func shop(version string) error {
	file, err := shopFile()
	if err != nil {
		return err
	}
	if err := protoregistry.GlobalFiles.RegisterFile(file); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	server.RegisterService(ordersOf(file.Messages().ByName("Order")), struct{}{})
	switch version {
	case "v1":
		reflection.RegisterV1(server)
	case "v1alpha":
		reflectionalpha.RegisterServerReflectionServer(server, reflection.NewServer(reflection.ServerOptions{Services: server}))
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	return server.Serve(listener)
}

// Create sends the order back; Upload the last one, with the ids of all; List the order as often as it has cents; Chat each.
func ordersOf(order protoreflect.MessageDescriptor) *grpc.ServiceDesc {
	id := order.Fields().ByName("id")
	cents := order.Fields().ByName("cents")
	receive := func(stream grpc.ServerStream) (*dynamicpb.Message, error) {
		got := dynamicpb.NewMessage(order)
		return got, stream.RecvMsg(got)
	}
	create := func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		got := dynamicpb.NewMessage(order)
		return got, decode(got)
	}
	upload := func(_ any, stream grpc.ServerStream) error {
		last, ids := dynamicpb.NewMessage(order), ""
		for {
			got, err := receive(stream)
			if err == io.EOF {
				last.Set(id, protoreflect.ValueOfString(ids))
				return stream.SendMsg(last)
			}
			if err != nil {
				return err
			}
			last, ids = got, ids+got.Get(id).String()
		}
	}
	all := func(_ any, stream grpc.ServerStream) error {
		got, err := receive(stream)
		if err != nil {
			return err
		}
		for i := int64(0); i < got.Get(cents).Int(); i++ {
			if err := stream.SendMsg(got); err != nil {
				return err
			}
		}
		return nil
	}
	chat := func(_ any, stream grpc.ServerStream) error {
		for {
			got, err := receive(stream)
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if err := stream.SendMsg(got); err != nil {
				return err
			}
		}
	}
	return &grpc.ServiceDesc{
		ServiceName: "shop.Orders",
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Create", Handler: create}},
		Streams: []grpc.StreamDesc{
			{StreamName: "Upload", Handler: upload, ClientStreams: true},
			{StreamName: "List", Handler: all, ServerStreams: true},
			{StreamName: "Chat", Handler: chat, ClientStreams: true, ServerStreams: true},
		},
		Metadata: "shop.proto",
	}
}
