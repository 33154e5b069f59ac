// Small WebAssembly modules, byte by byte: those that no compiler makes.

export const [I32, I64] = [0x7f, 0x7e];

/** Instructions of the binary format. */
export const op = {
  unreachable: [0x00],
  /** A loop that never ends. */
  forever: [0x03, 0x40, 0x0c, 0x00, 0x0b],
  drop: [0x1a],
  end: [0x0b],
  number: (value: number): number[] => [0x41, ...signed(value)],
  call: (index: number): number[] => [0x10, ...leb(index)],
  local: (index: number): number[] => [0x20, ...leb(index)],
  growMemory: [0x40, 0x00],
};

export interface WasmFunction {
  /** Null: it is not exported. */
  readonly name: string | null;
  readonly params?: readonly number[];
  readonly results?: readonly number[];
  /** Without its end. */
  readonly code: readonly number[];
}

export interface WasmParts {
  /** Functions of the host: module, name, parameters. All return an i32. Their indices come first. */
  readonly imports?: readonly (readonly [from: string, name: string, params: readonly number[]])[];
  readonly functions: readonly WasmFunction[];
  /** Pages; by default 1, without a maximum. */
  readonly memory?: readonly number[] | null;
  readonly data?: readonly { readonly at: number; readonly text: string }[];
  /** The index of the start function. */
  readonly start?: number;
  /** Sections as they are: id and content. */
  readonly more?: readonly (readonly [id: number, content: readonly number[]])[];
}

/** The functions that every module of the proxy-wasm ABI has. */
export const ABI: readonly WasmFunction[] = [
  { name: 'proxy_abi_version_0_2_1', code: [] },
  { name: 'proxy_on_memory_allocate', params: [I32], results: [I32], code: op.number(4_096) },
];

export function wasmModule({ imports = [], functions, memory = [0x00, 1], data = [], start, more = [] }: WasmParts): Buffer {
  const types = [
    ...imports.map(([, , params]) => ({ params, results: [I32] })),
    ...functions.map(({ params = [], results = [] }) => ({ params, results })),
  ];
  const exported = functions.flatMap(({ name }, i) => (name === null ? [] : [[...text(name), 0x00, ...leb(imports.length + i)]]));
  if (memory !== null) exported.push([...text('memory'), 0x02, 0x00]);
  return Buffer.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vector(types.map(({ params, results }) => [0x60, ...leb(params.length), ...params, ...leb(results.length), ...results]))),
    ...section(2, vector(imports.map(([from, name], i) => [...text(from), ...text(name), 0x00, ...leb(i)]))),
    ...section(3, vector(functions.map((_, i) => leb(imports.length + i)))),
    ...(memory === null ? [] : section(5, vector([memory]))),
    ...section(7, vector(exported)),
    ...(start === undefined ? [] : section(8, leb(start))),
    ...section(10, vector(functions.map(({ code }) => sized([0x00, ...code, ...op.end])))),
    ...section(11, vector(data.map(({ at, text: content }) => [0x00, ...op.number(at), ...op.end, ...text(content)]))),
    ...more.flatMap(([id, content]) => section(id, content)),
  ]);
}

/** A module whose callback for heads of requests has this code, and returns CONTINUE unless the code leaves a result. */
export function onRequest(code: readonly number[], parts: Partial<WasmParts> = {}): Buffer {
  const callback: WasmFunction = {
    name: 'proxy_on_request_headers',
    params: [I32, I32, I32],
    results: [I32],
    code: [...code, ...op.number(0)],
  };
  return wasmModule({ ...parts, functions: [...ABI, callback, ...(parts.functions ?? [])] });
}

export function section(id: number, content: readonly number[]): number[] {
  return [id, ...sized(content)];
}

function vector(members: readonly (readonly number[])[]): number[] {
  return [...leb(members.length), ...members.flat()];
}

function sized(bytes: readonly number[]): number[] {
  return [...leb(bytes.length), ...bytes];
}

function text(value: string): number[] {
  return sized([...Buffer.from(value)]);
}

/** LEB128, unsigned. */
export function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}

/** LEB128 of a signed 32-bit number. */
function signed(value: number): number[] {
  const rest = value >> 7;
  const isLast = (rest === 0 && (value & 0x40) === 0) || (rest === -1 && (value & 0x40) !== 0);
  return isLast ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(rest)];
}
