// Go's protobuf and grpc-go for the types of .proto files.
//
//	protobuf-peer describe FOLDER FILE...  prints the descriptor set of the files and their imports
//	protobuf-peer compare FOLDER FILE...   answers questions about messages: a line of JSON for each line of JSON
//	protobuf-peer serve FOLDER FILE...     serves the services, prints its port, and ends with its standard input
//	protoc --descriptor_set_out=OUT FILE   writes the descriptor set of a file of this folder, with imports by --include_imports
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/bufbuild/protocompile"
	_ "google.golang.org/genproto/googleapis/api/annotations"
	_ "google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

func main() {
	command := run
	if filepath.Base(os.Args[0]) == "protoc" {
		command = protoc
	}
	if err := command(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) < 3 {
		return fmt.Errorf("usage: protobuf-peer describe|compare|serve FOLDER FILE...")
	}
	set, err := compile(arguments[1], arguments[2:])
	if err != nil {
		return err
	}
	files, err := protodesc.NewFiles(set)
	if err != nil {
		return err
	}
	switch arguments[0] {
	case "describe":
		return describe(set)
	case "compare":
		return compare(files)
	case "serve":
		return serve(files)
	}
	return fmt.Errorf("unknown command %s", arguments[0])
}

func protoc(arguments []string) error {
	flags := flag.NewFlagSet("protoc", flag.ContinueOnError)
	out := flags.String("descriptor_set_out", "", "")
	withImports := flags.Bool("include_imports", false, "")
	flags.Func("I", "a folder of imports", func(string) error { return nil })
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	set, err := compile(".", flags.Args())
	if err != nil {
		return err
	}
	if !*withImports {
		set.File = set.File[len(set.File)-1:]
	}
	bytes, err := proto.Marshal(set)
	if err != nil {
		return err
	}
	return os.WriteFile(*out, bytes, 0o644)
}

func describe(set *descriptorpb.FileDescriptorSet) error {
	bytes, err := proto.MarshalOptions{Deterministic: true}.Marshal(set)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(bytes)
	return err
}

// The files after their imports, each once. Imports that are no files are those that Go knows.
func compile(folder string, names []string) (*descriptorpb.FileDescriptorSet, error) {
	known := protocompile.ResolverFunc(func(path string) (protocompile.SearchResult, error) {
		file, err := protoregistry.GlobalFiles.FindFileByPath(path)
		return protocompile.SearchResult{Desc: file}, err
	})
	sources := protocompile.CompositeResolver{&protocompile.SourceResolver{ImportPaths: []string{folder}}, known}
	compiler := protocompile.Compiler{Resolver: protocompile.WithStandardImports(sources)}
	compiled, err := compiler.Compile(context.Background(), names...)
	if err != nil {
		return nil, err
	}
	set := &descriptorpb.FileDescriptorSet{}
	added := map[string]bool{}
	for _, file := range compiled {
		addFile(set, added, file)
	}
	return reread(set)
}

func addFile(set *descriptorpb.FileDescriptorSet, added map[string]bool, file protoreflect.FileDescriptor) {
	if added[file.Path()] {
		return
	}
	added[file.Path()] = true
	imports := file.Imports()
	for i := 0; i < imports.Len(); i++ {
		addFile(set, added, imports.Get(i).FileDescriptor)
	}
	set.File = append(set.File, protodesc.ToFileDescriptorProto(file))
}

// Options as the Go types have them.
func reread(set *descriptorpb.FileDescriptorSet) (*descriptorpb.FileDescriptorSet, error) {
	bytes, err := proto.MarshalOptions{Deterministic: true}.Marshal(set)
	if err != nil {
		return nil, err
	}
	again := &descriptorpb.FileDescriptorSet{}
	return again, proto.Unmarshal(bytes, again)
}

type question struct {
	Do    string `json:"do"`
	Type  string `json:"type"`
	Seed  int64  `json:"seed"`
	Count int    `json:"count"`
	// Of `same`: the message, and the two forms of it that are compared with it.
	Wire      []byte `json:"wire"`
	OtherWire []byte `json:"otherWire"`
	Json      string `json:"json"`
}

type answer struct {
	Error    string    `json:"error,omitempty"`
	Wire     []byte    `json:"wire,omitempty"`
	Json     string    `json:"json,omitempty"`
	Messages []message `json:"messages,omitempty"`
}

type message struct {
	Wire []byte `json:"wire"`
	Json string `json:"json"`
}

func compare(files *protoregistry.Files) error {
	types := dynamicpb.NewTypes(files)
	extensions := extensionsOf(files)
	input := bufio.NewReader(os.Stdin)
	output := json.NewEncoder(os.Stdout)
	for {
		line, err := input.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		asked := question{}
		if err := json.Unmarshal(line, &asked); err != nil {
			return err
		}
		answered, err := answerTo(types, extensions, asked)
		if err != nil {
			answered.Error = err.Error()
		}
		if err := output.Encode(answered); err != nil {
			return err
		}
	}
}

// All extensions of the files.
func extensionsOf(files *protoregistry.Files) *protoregistry.Types {
	all := &protoregistry.Types{}
	add := func(extensions protoreflect.ExtensionDescriptors) {
		for i := 0; i < extensions.Len(); i++ {
			if err := all.RegisterExtension(dynamicpb.NewExtensionType(extensions.Get(i))); err != nil {
				panic(err)
			}
		}
	}
	var addNested func(messages protoreflect.MessageDescriptors)
	addNested = func(messages protoreflect.MessageDescriptors) {
		for i := 0; i < messages.Len(); i++ {
			add(messages.Get(i).Extensions())
			addNested(messages.Get(i).Messages())
		}
	}
	files.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		add(file.Extensions())
		addNested(file.Messages())
		return true
	})
	return all
}
