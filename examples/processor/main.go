// An external processor: refuses requests, masks card numbers in answers, and turns the bodies of requests to upper case as they stream.
//
//	mask ADDRESS   serves Envoy's protocol ext_proc at an address such as 127.0.0.1:9002
package main

import (
	"bytes"
	"errors"
	"io"
	"log"
	"net"
	"os"
	"regexp"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	ext "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	kinds "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/grpc"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: mask ADDRESS")
	}
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer()
	ext.RegisterExternalProcessorServer(server, processor{})
	log.Fatal(server.Serve(listener))
}

type processor struct {
	ext.UnimplementedExternalProcessorServer
}

// Process handles one exchange: it answers each message about it.
func (processor) Process(stream ext.ExternalProcessor_ProcessServer) error {
	for {
		request, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(answer(request)); err != nil {
			return err
		}
	}
}

func answer(request *ext.ProcessingRequest) *ext.ProcessingResponse {
	switch part := request.Request.(type) {
	case *ext.ProcessingRequest_RequestHeaders:
		if header(part.RequestHeaders, "x-tenant") == "" {
			return refusal("the header x-tenant is missing\n")
		}
		return &ext.ProcessingResponse{Response: &ext.ProcessingResponse_RequestHeaders{RequestHeaders: &ext.HeadersResponse{
			Response: &ext.CommonResponse{HeaderMutation: set("x-checked", "yes")},
		}}}
	case *ext.ProcessingRequest_RequestBody:
		return &ext.ProcessingResponse{Response: &ext.ProcessingResponse_RequestBody{RequestBody: &ext.BodyResponse{
			Response: &ext.CommonResponse{BodyMutation: &ext.BodyMutation{Mutation: &ext.BodyMutation_StreamedResponse{
				StreamedResponse: &ext.StreamedBodyResponse{
					Body:        bytes.ToUpper(part.RequestBody.Body),
					EndOfStream: part.RequestBody.EndOfStream,
				},
			}}},
		}}}
	case *ext.ProcessingRequest_ResponseBody:
		return &ext.ProcessingResponse{Response: &ext.ProcessingResponse_ResponseBody{ResponseBody: &ext.BodyResponse{
			Response: &ext.CommonResponse{BodyMutation: &ext.BodyMutation{Mutation: &ext.BodyMutation_Body{
				Body: card.ReplaceAll(part.ResponseBody.Body, []byte("************$1")),
			}}},
		}}}
	default:
		return &ext.ProcessingResponse{Response: &ext.ProcessingResponse_ResponseHeaders{ResponseHeaders: &ext.HeadersResponse{}}}
	}
}

var card = regexp.MustCompile(`\b\d{12}(\d{4})\b`)

func refusal(reason string) *ext.ProcessingResponse {
	return &ext.ProcessingResponse{Response: &ext.ProcessingResponse_ImmediateResponse{ImmediateResponse: &ext.ImmediateResponse{
		Status: &kinds.HttpStatus{Code: kinds.StatusCode_BadRequest},
		Body:   []byte(reason),
	}}}
}

func header(headers *ext.HttpHeaders, name string) string {
	for _, each := range headers.Headers.Headers {
		if each.Key == name {
			return string(each.RawValue)
		}
	}
	return ""
}

func set(name, value string) *ext.HeaderMutation {
	return &ext.HeaderMutation{SetHeaders: []*core.HeaderValueOption{{Header: &core.HeaderValue{Key: name, RawValue: []byte(value)}}}}
}
