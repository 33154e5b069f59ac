// Scalars in JSON: 64 bits as strings, bytes as Base64, and the numbers that JSON has not as strings.
import { ProtobufFault } from './fault.ts';
import { JsonNumber } from './json-text.ts';
import type { Json } from './json-text.ts';
import type { Scalar } from './message.ts';
import { isBig } from './scalar-kinds.ts';
import type { EnumType, FieldKind } from './types.ts';

const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;
const PARTS = /^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/;
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;
/** Digits of the largest integer. */
const MAX_DIGITS = 20;
const TOO_LARGE = 2n ** 65n;
const SPECIAL: Readonly<Record<string, number>> = { NaN, Infinity, '-Infinity': -Infinity };
/** Digits that tell all values of a float apart. */
const FLOAT_DIGITS = [6, 7, 8, 9];

const INT32 = [-(2n ** 31n), 2n ** 31n - 1n] as const;
const UINT32 = [0n, 2n ** 32n - 1n] as const;
const INT64 = [-(2n ** 63n), 2n ** 63n - 1n] as const;
const UINT64 = [0n, 2n ** 64n - 1n] as const;
const RANGES: Partial<Record<FieldKind, readonly [bigint, bigint]>> = {
  int32: INT32,
  sint32: INT32,
  sfixed32: INT32,
  uint32: UINT32,
  fixed32: UINT32,
  int64: INT64,
  sint64: INT64,
  sfixed64: INT64,
  uint64: UINT64,
  fixed64: UINT64,
};

/** Reads a scalar that is no enum. `name` is for the error. */
export function readScalarJson(kind: FieldKind, json: Json, name: string): Scalar {
  switch (kind) {
    case 'string':
      return expectString(json, name);
    case 'bytes':
      return readBytes(expectString(json, name), name);
    case 'bool':
      if (typeof json !== 'boolean') throw new ProtobufFault(`${name} must be true or false`);
      return json;
    case 'float':
    case 'double':
      return readFloat(kind, json, name);
    default:
      return readInteger(kind, json, name);
  }
}

function expectString(json: Json, name: string): string {
  if (typeof json !== 'string') throw new ProtobufFault(`${name} must be a string`);
  return json;
}

function readBytes(text: string, name: string): Buffer {
  const data = text.replace(/=+$/, '');
  if (!BASE64.test(text) || data.length % 4 === 1) throw new ProtobufFault(`${name} must be Base64`);
  return Buffer.from(data, 'base64');
}

function readFloat(kind: FieldKind, json: Json, name: string): number {
  const text = json instanceof JsonNumber ? json.text : json;
  if (typeof text !== 'string') throw new ProtobufFault(`${name} must be a number`);
  if (Object.hasOwn(SPECIAL, text) && typeof json === 'string') return SPECIAL[text] as number;
  if (!NUMBER.test(text)) throw new ProtobufFault(`${name} must be a number`);
  const value = kind === 'float' ? Math.fround(Number(text)) : Number(text);
  if (!Number.isFinite(value)) throw new ProtobufFault(`${name} is out of the range of a ${kind}`);
  return value;
}

function readInteger(kind: FieldKind, json: Json, name: string): number | bigint {
  const text = json instanceof JsonNumber ? json.text : json;
  const value = typeof text === 'string' ? integerOf(text) : null;
  if (value === null) throw new ProtobufFault(`${name} must be an integer`);
  const [least, most] = RANGES[kind] ?? INT32;
  if (value < least || value > most) throw new ProtobufFault(`${name} is out of the range of ${kind}`);
  return isBig(kind) ? value : Number(value);
}

/** The value of a number without a fraction, also `1e3` and `1.0`; null for any other. */
function integerOf(text: string): bigint | null {
  const parts = NUMBER.test(text) ? PARTS.exec(text) : null;
  if (parts === null) return null;
  const [, sign, whole = '', fraction = '', exponent = '0'] = parts;
  const value = scaled(whole + fraction, Number(exponent) - fraction.length);
  return sign === '-' && value !== null ? -value : value;
}

/** Digits times a power of ten; null if that is no integer. Beyond the largest integer, any larger one. */
function scaled(digits: string, power: number): bigint | null {
  const significant = digits.replace(/^0+/, '').replace(/0+$/, '');
  if (significant === '') return 0n;
  const trailing = digits.length - digits.replace(/0+$/, '').length;
  const zeros = power + trailing;
  if (zeros < 0) return null;
  return significant.length + zeros > MAX_DIGITS ? TOO_LARGE : BigInt(significant + '0'.repeat(zeros));
}

/** Reads the value of an enum, by name or by number. */
export function readEnumJson(type: EnumType, json: Json, name: string): number {
  if (typeof json === 'string') {
    const number = type.byName.get(json);
    if (number === undefined)
      throw new ProtobufFault(`${name} has the value ${JSON.stringify(json.slice(0, 64))}, which ${type.name} has not`);
    return number;
  }
  if (!(json instanceof JsonNumber)) throw new ProtobufFault(`${name} must be the name or the number of a value`);
  return readInteger('enum', json, name) as number;
}

/** Writes a scalar that is no enum. */
export function writeScalarJson(kind: FieldKind, value: Scalar): string {
  switch (kind) {
    case 'string':
      return JSON.stringify(value);
    case 'bytes':
      return `"${(value as Buffer).toString('base64')}"`;
    case 'float':
      return writeNumber(value as number, shortestFloat);
    case 'double':
      return writeNumber(value as number, String);
    default:
      return typeof value === 'bigint' ? `"${value}"` : String(value);
  }
}

function writeNumber(value: number, finite: (value: number) => string): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  return Object.is(value, -0) ? '-0' : finite(value);
}

/** The shortest text that reads as the same float. */
function shortestFloat(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  for (const digits of FLOAT_DIGITS) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return String(rounded);
  }
  return String(value);
}

export function writeEnumJson(type: EnumType, value: number): string {
  const name = type.byNumber.get(value);
  return name === undefined ? String(value) : JSON.stringify(name);
}
