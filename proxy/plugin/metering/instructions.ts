// The instructions of WebAssembly 2.0 and of tail calls, as far as a meter needs them: what follows the code of each.
import { WasmError, type WasmReader } from './wasm-reader.ts';

/** What follows an instruction. */
export type Operands = (reader: WasmReader) => void;

export const LOOP = 0x03;
export const CALL = 0x10;
export const RETURN_CALL = 0x12;
export const FUNCTION_REFERENCE = 0xd2;

const none: Operands = () => undefined;
const one: Operands = (reader) => reader.passNumber();
const two: Operands = (reader) => (reader.passNumber(), reader.passNumber());
const bytes =
  (count: number): Operands =>
  (reader) =>
    reader.pass(count);

/** A place in memory: its alignment, the number of the memory if there are several, and an offset. */
const place: Operands = (reader) => {
  if ((reader.u32() & 0x40) !== 0) reader.passNumber();
  reader.passNumber();
};

const labels: Operands = (reader) => {
  for (let count = reader.u32(); count > 0; count--) reader.passNumber();
  reader.passNumber();
};

const types: Operands = (reader) => {
  for (let count = reader.u32(); count > 0; count--) reader.passNumber();
};

/** Instructions from a code to another one, with their operands. */
type Row = readonly [from: number, to: number, operands: Operands];

const PLAIN: readonly Row[] = [
  [0x00, 0x01, none],
  [0x02, 0x04, one],
  [0x05, 0x05, none],
  [0x0b, 0x0b, none],
  [0x0c, 0x0d, one],
  [0x0e, 0x0e, labels],
  [0x0f, 0x0f, none],
  [CALL, CALL, one],
  [0x11, 0x11, two],
  [RETURN_CALL, RETURN_CALL, one],
  [0x13, 0x13, two],
  [0x1a, 0x1b, none],
  [0x1c, 0x1c, types],
  [0x20, 0x26, one],
  [0x28, 0x3e, place],
  [0x3f, 0x42, one],
  [0x43, 0x43, bytes(4)],
  [0x44, 0x44, bytes(8)],
  [0x45, 0xc4, none],
  [0xd0, 0xd0, one],
  [0xd1, 0xd1, none],
  [FUNCTION_REFERENCE, FUNCTION_REFERENCE, one],
  [0xfc, 0xfc, (reader) => operandsOf(BULK, reader.u32())(reader)],
  [0xfd, 0xfd, (reader) => operandsOf(VECTOR, reader.u32())(reader)],
];

const BULK: readonly Row[] = [
  [0, 7, none],
  [8, 8, two],
  [9, 9, one],
  [10, 10, two],
  [11, 11, one],
  [12, 12, two],
  [13, 13, one],
  [14, 14, two],
  [15, 17, one],
];

const placeAndLane: Operands = (reader) => (place(reader), reader.pass(1));

const VECTOR: readonly Row[] = [
  [0, 11, place],
  [12, 13, bytes(16)],
  [14, 20, none],
  [21, 34, bytes(1)],
  [35, 83, none],
  [84, 91, placeAndLane],
  [92, 93, place],
  [94, 275, none],
];

function operandsOf(rows: readonly Row[], code: number): Operands {
  const row = rows.find(([from, to]) => code >= from && code <= to);
  if (row === undefined) throw new WasmError(`the module has an instruction that cannot be metered: ${code.toString(16)}`);
  return row[2];
}

const BY_CODE: readonly (Operands | null)[] = Array.from({ length: 256 }, (_, code) =>
  PLAIN.some(([from, to]) => code >= from && code <= to) ? operandsOf(PLAIN, code) : null,
);

/** Passes what follows an instruction. */
export function passOperands(reader: WasmReader, code: number): void {
  const operands = BY_CODE[code] ?? null;
  if (operands === null) throw new WasmError(`the module has an instruction that cannot be metered: ${code.toString(16)}`);
  operands(reader);
}
