package main

import (
	"fmt"
	"math"
	"math/rand"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
)

const maxDepth = 4

// Makes random messages that JSON can hold.
type maker struct {
	random *rand.Rand
	types  *dynamicpb.Types
	// The same, which can be listed.
	extensions *protoregistry.Types
}

func (m maker) fill(one protoreflect.Message, depth int) {
	if m.wellKnown(one, depth) {
		return
	}
	fields := one.Descriptor().Fields()
	for i := 0; i < fields.Len(); i++ {
		field := fields.Get(i)
		if field.Cardinality() == protoreflect.Required || m.random.Intn(3) == 0 {
			m.set(one, field, depth)
		}
	}
	m.extensions.RangeExtensionsByMessage(one.Descriptor().FullName(), func(extension protoreflect.ExtensionType) bool {
		if m.random.Intn(3) == 0 {
			m.setExtension(one, extension, depth)
		}
		return true
	})
}

func (m maker) setExtension(one protoreflect.Message, extension protoreflect.ExtensionType, depth int) {
	field := extension.TypeDescriptor()
	if field.IsList() {
		list := extension.New().List()
		list.Append(m.item(field, list.NewElement, depth))
		one.Set(field, protoreflect.ValueOfList(list))
		return
	}
	one.Set(field, m.item(field, extension.New, depth))
}

func (m maker) set(one protoreflect.Message, field protoreflect.FieldDescriptor, depth int) {
	isMessage := field.Message() != nil
	if isMessage && depth >= maxDepth && field.Cardinality() != protoreflect.Required {
		return
	}
	switch {
	case field.IsList():
		list := one.Mutable(field).List()
		for i := m.random.Intn(4); i > 0; i-- {
			list.Append(m.item(field, list.NewElement, depth))
		}
	case field.IsMap():
		entries := one.Mutable(field).Map()
		for i := m.random.Intn(4); i > 0; i-- {
			entries.Set(m.scalar(field.MapKey()).MapKey(), m.item(field.MapValue(), entries.NewValue, depth))
		}
	default:
		one.Set(field, m.item(field, func() protoreflect.Value { return one.NewField(field) }, depth))
	}
}

func (m maker) item(field protoreflect.FieldDescriptor, empty func() protoreflect.Value, depth int) protoreflect.Value {
	if field.Message() == nil {
		return m.scalar(field)
	}
	inner := empty()
	m.fill(inner.Message(), depth+1)
	return inner
}

func (m maker) scalar(field protoreflect.FieldDescriptor) protoreflect.Value {
	switch field.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(m.random.Intn(2) == 0)
	case protoreflect.EnumKind:
		return m.enum(field.Enum())
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(m.text())
	case protoreflect.BytesKind:
		bytes := make([]byte, m.random.Intn(20))
		m.random.Read(bytes)
		return protoreflect.ValueOfBytes(bytes)
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(float32(m.float(func(bits uint64) float64 { return float64(math.Float32frombits(uint32(bits))) })))
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(m.float(math.Float64frombits))
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(int32(m.bits()))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(uint32(m.bits()))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(int64(m.bits()))
	default:
		return protoreflect.ValueOfUint64(m.bits())
	}
}

// Numbers of all sizes.
func (m maker) bits() uint64 {
	bits := m.random.Uint64() >> m.random.Intn(64)
	if m.random.Intn(2) == 0 {
		return -bits
	}
	return bits
}

func (m maker) float(ofBits func(uint64) float64) float64 {
	special := []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 1, -1.5, 1e21, 1e-7, math.MaxFloat32}
	if m.random.Intn(3) == 0 {
		return special[m.random.Intn(len(special))]
	}
	return ofBits(m.random.Uint64())
}

func (m maker) finite() float64 {
	for {
		value := m.float(math.Float64frombits)
		if !math.IsNaN(value) && !math.IsInf(value, 0) {
			return value
		}
	}
}

func (m maker) text() string {
	letters := []rune("aZ09 _-\"\\/\b\f\n\r\t\x00\x1f\x7f<>&'é€😀\u2028\ufeff\uffff\U0010ffff")
	text := make([]rune, m.random.Intn(12))
	for i := range text {
		text[i] = letters[m.random.Intn(len(letters))]
	}
	return string(text)
}

// An open enum has any number.
func (m maker) enum(of protoreflect.EnumDescriptor) protoreflect.Value {
	if !of.IsClosed() && of.FullName() != "google.protobuf.NullValue" && m.random.Intn(4) == 0 {
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(int32(m.bits())))
	}
	values := of.Values()
	return protoreflect.ValueOfEnum(values.Get(m.random.Intn(values.Len())).Number())
}

// False: it is a type like others, or one whose every value JSON can hold.
func (m maker) wellKnown(one protoreflect.Message, depth int) bool {
	set := func(name protoreflect.Name, value any) {
		one.Set(one.Descriptor().Fields().ByName(name), protoreflect.ValueOf(value))
	}
	switch one.Descriptor().FullName() {
	case "google.protobuf.Timestamp":
		set("seconds", m.random.Int63n(253402300799+62135596800)-62135596800)
		set("nanos", m.nanos())
	case "google.protobuf.Duration":
		sign := int64(m.random.Intn(2)*2 - 1)
		set("seconds", sign*m.random.Int63n(315576000000))
		set("nanos", int32(sign)*m.nanos())
	case "google.protobuf.FieldMask":
		paths := one.Mutable(one.Descriptor().Fields().ByName("paths")).List()
		for i := m.random.Intn(3); i > 0; i-- {
			paths.Append(protoreflect.ValueOfString([]string{"a", "foo_bar", "a.b_c.d", "x1"}[m.random.Intn(4)]))
		}
	case "google.protobuf.Value":
		m.value(one, depth)
	case "google.protobuf.Any":
		m.any(one, depth)
	default:
		return false
	}
	return true
}

func (m maker) nanos() int32 {
	return []int32{0, 1, 999999999, 120000000, 3000, 500}[m.random.Intn(6)]
}

func (m maker) value(one protoreflect.Message, depth int) {
	fields := one.Descriptor().Fields()
	last := fields.Len()
	if depth >= maxDepth {
		last = 4
	}
	field := fields.Get(m.random.Intn(last))
	if field.Name() == "number_value" {
		one.Set(field, protoreflect.ValueOfFloat64(m.finite()))
		return
	}
	m.set(one, field, depth-1)
	if !one.Has(field) {
		one.Set(field, one.NewField(field))
	}
}

func (m maker) any(one protoreflect.Message, depth int) {
	if depth >= maxDepth {
		return
	}
	names := []protoreflect.FullName{"google.protobuf.Duration", "google.protobuf.Int64Value", "google.protobuf.Struct", "google.protobuf.Empty", "three.Small"}
	messageType, err := m.types.FindMessageByName(names[m.random.Intn(len(names))])
	if err != nil {
		return
	}
	inner := messageType.New()
	m.fill(inner, depth+1)
	wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(inner.Interface())
	if err != nil {
		panic(err)
	}
	one.Set(one.Descriptor().Fields().ByName("type_url"), protoreflect.ValueOfString(fmt.Sprintf("type.googleapis.com/%s", inner.Descriptor().FullName())))
	one.Set(one.Descriptor().Fields().ByName("value"), protoreflect.ValueOfBytes(wire))
}
