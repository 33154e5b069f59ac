package main

import (
	"fmt"
	"math/rand"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
)

func answerTo(types *dynamicpb.Types, extensions *protoregistry.Types, asked question) (answer, error) {
	messageType, err := types.FindMessageByName(protoreflect.FullName(asked.Type))
	if err != nil {
		return answer{}, err
	}
	codec := codec{types: types, extensions: extensions, messageType: messageType}
	switch asked.Do {
	case "make":
		return codec.make(asked.Seed, asked.Count)
	case "same":
		return answer{}, codec.same(asked)
	case "readJson":
		return codec.readJson(asked.Json)
	case "readWire":
		return codec.readWire(asked.Wire)
	}
	return answer{}, fmt.Errorf("unknown question %s", asked.Do)
}

type codec struct {
	types       *dynamicpb.Types
	extensions  *protoregistry.Types
	messageType protoreflect.MessageType
}

// Random messages, on the wire and as JSON.
func (c codec) make(seed int64, count int) (answer, error) {
	made := answer{}
	maker := maker{random: rand.New(rand.NewSource(seed)), types: c.types, extensions: c.extensions}
	for i := 0; i < count; i++ {
		one := c.messageType.New()
		maker.fill(one, 0)
		wire, err := proto.MarshalOptions{AllowPartial: true}.Marshal(one.Interface())
		if err != nil {
			return made, err
		}
		text, err := c.toJson(one.Interface())
		if err != nil {
			return made, err
		}
		made.Messages = append(made.Messages, message{Wire: wire, Json: text})
	}
	return made, nil
}

// Whether another wire form and a JSON form are the message.
func (c codec) same(asked question) error {
	original, err := c.fromWire(asked.Wire)
	if err != nil {
		return err
	}
	other, err := c.fromWire(asked.OtherWire)
	if err != nil {
		return fmt.Errorf("the other wire form: %w", err)
	}
	if err := c.expectSame(original, other, "the other wire form"); err != nil {
		return err
	}
	fromJson, err := c.fromJson(asked.Json)
	if err != nil {
		return fmt.Errorf("the JSON: %w", err)
	}
	return c.expectSame(original, fromJson, "the JSON")
}

// The order of fields and entries inside of an Any may differ: then the JSON is the same.
func (c codec) expectSame(one proto.Message, other proto.Message, name string) error {
	if proto.Equal(one, other) {
		return nil
	}
	expected, err := c.toJson(one)
	if err != nil {
		return err
	}
	actual, err := c.toJson(other)
	if err != nil {
		return err
	}
	if expected != actual {
		return fmt.Errorf("%s is %s and must be %s", name, actual, expected)
	}
	return nil
}

func (c codec) readJson(text string) (answer, error) {
	read, err := c.fromJson(text)
	if err != nil {
		return answer{}, err
	}
	wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(read)
	return answer{Wire: wire}, err
}

func (c codec) readWire(wire []byte) (answer, error) {
	read, err := c.fromWire(wire)
	if err != nil {
		return answer{}, err
	}
	text, err := c.toJson(read)
	return answer{Json: text}, err
}

func (c codec) fromWire(wire []byte) (proto.Message, error) {
	read := c.messageType.New().Interface()
	return read, proto.UnmarshalOptions{Resolver: c.types, AllowPartial: true}.Unmarshal(wire, read)
}

func (c codec) fromJson(text string) (proto.Message, error) {
	read := c.messageType.New().Interface()
	return read, protojson.UnmarshalOptions{Resolver: c.types}.Unmarshal([]byte(text), read)
}

func (c codec) toJson(one proto.Message) (string, error) {
	text, err := protojson.MarshalOptions{Resolver: c.types, AllowPartial: true}.Marshal(one)
	return string(text), err
}
