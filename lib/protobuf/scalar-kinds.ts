// What the wire format says of each kind.
import type { Scalar } from './message.ts';
import type { FieldKind } from './types.ts';
import { WIRE } from './wire-reader.ts';

export const WIRE_TYPES: Readonly<Record<FieldKind, number>> = {
  double: WIRE.fixed64,
  float: WIRE.fixed32,
  int64: WIRE.varint,
  uint64: WIRE.varint,
  int32: WIRE.varint,
  fixed64: WIRE.fixed64,
  fixed32: WIRE.fixed32,
  bool: WIRE.varint,
  string: WIRE.bytes,
  bytes: WIRE.bytes,
  uint32: WIRE.varint,
  sfixed32: WIRE.fixed32,
  sfixed64: WIRE.fixed64,
  sint32: WIRE.varint,
  sint64: WIRE.varint,
  enum: WIRE.varint,
  message: WIRE.bytes,
  group: WIRE.groupStart,
};

const BIG: readonly FieldKind[] = ['int64', 'uint64', 'sint64', 'fixed64', 'sfixed64'];

/** Whether its values are bigints. */
export function isBig(kind: FieldKind): boolean {
  return BIG.includes(kind);
}

/** The value of a scalar field that is not set, and whose type does not say another default. */
export function zeroOf(kind: FieldKind): Scalar {
  if (kind === 'string') return '';
  if (kind === 'bytes') return Buffer.alloc(0);
  if (kind === 'bool') return false;
  return isBig(kind) ? 0n : 0;
}
