// The Huffman code of HPACK (RFC 7541 section 5.2 and appendix B). The code is canonical: codes of one length are consecutive in the order
// of their symbols, so the lengths define it.

const EOS = 256;

/** The code lengths of the symbols 0 to 255 and EOS, as runs of `length*count`. */
const LENGTH_RUNS =
  '13 23 28*7 24 30 28*2 30 28*8 30 28*9 6 10*2 12 13 6 8 11 10*2 8 11 8 6*3 5*3 6*7 7 8 15 6 12 10 13 6 7*22 8 7 8 13 19 13 14 6 15 ' +
  '5 6 5 6 5 6*3 5 7*2 6*3 5 6 7 6 5*2 6 7*5 15 11 14 13 28 20 22 20*2 22*3 23 22 23*5 24 23 24*2 22 23 24 23*4 21 22 23 22 23*2 24 22 ' +
  '21 20 22*2 23*2 21 23 22*2 24 21 22 23*2 21*2 22 21 23 22 23*2 20 22*3 23 22*2 23 26*2 20 19 22 23 22 25 26*3 27*2 26 24 25 19 21 ' +
  '26 27*2 26 27 24 21*2 26*2 28 27*3 20 24 20 21 22 21*2 23 22*2 25*2 24*2 26 23 26 27 26*2 27*5 28 27*5 26 30';

const LENGTHS: readonly number[] = LENGTH_RUNS.split(' ').flatMap((run) => {
  const [length, count = 1] = run.split('*').map(Number);
  return new Array<number>(count).fill(length as number);
});

/** Symbols in the order of their codes: by length, then by value. */
const ORDER: readonly number[] = LENGTHS.map((_, symbol) => symbol).sort((a, b) => lengthOf(a) - lengthOf(b) || a - b);

const CODES = new Uint32Array(LENGTHS.length);
assignCodes();

function lengthOf(symbol: number): number {
  return LENGTHS[symbol] as number;
}

function assignCodes(): void {
  let code = 0;
  let length = lengthOf(ORDER[0] as number);
  for (const symbol of ORDER) {
    code *= 2 ** (lengthOf(symbol) - length);
    length = lengthOf(symbol);
    CODES[symbol] = code;
    code++;
  }
}

/** The decoder is a state machine over four bits at a time; the shortest code has five bits, so a step completes at most one symbol. */
const NIBBLES = 16;
const FAIL = 0xffff;
/** The next state by `state * 16 + nibble`; FAIL for an invalid code (EOS). */
const NEXT: Uint16Array = new Uint16Array(LENGTHS.length * NIBBLES);
/** The symbol that a step completes, or -1. */
const EMIT: Int16Array = new Int16Array(LENGTHS.length * NIBBLES).fill(-1);
/** Whether the bits after the last symbol are valid padding: at most seven ones. */
const ACCEPT: Uint8Array = new Uint8Array(LENGTHS.length);
buildMachine();

interface Branch {
  readonly id: number;
  readonly children: [Branch | number | null, Branch | number | null];
}

function buildTree(): Branch[] {
  const branches: Branch[] = [{ id: 0, children: [null, null] }];
  for (let symbol = 0; symbol <= EOS; symbol++) insertCode(branches, symbol);
  return branches;
}

function insertCode(branches: Branch[], symbol: number): void {
  let branch = branches[0] as Branch;
  for (let bit = lengthOf(symbol) - 1; bit > 0; bit--) {
    const side = bitOf(CODES[symbol] as number, bit);
    let child = branch.children[side];
    if (child === null) {
      child = { id: branches.length, children: [null, null] };
      branches.push(child);
      branch.children[side] = child;
    }
    branch = child as Branch;
  }
  branch.children[bitOf(CODES[symbol] as number, 0)] = symbol;
}

function bitOf(value: number, bit: number): 0 | 1 {
  return ((value >>> bit) & 1) as 0 | 1;
}

function buildMachine(): void {
  const branches = buildTree();
  for (const branch of branches) {
    for (let nibble = 0; nibble < NIBBLES; nibble++) buildStep(branches, branch, nibble);
  }
  let padding: Branch | number | null = branches[0] as Branch;
  for (let ones = 0; ones < 8 && typeof padding === 'object' && padding !== null; ones++) {
    ACCEPT[padding.id] = 1;
    padding = padding.children[1];
  }
}

function buildStep(branches: readonly Branch[], start: Branch, nibble: number): void {
  const step = start.id * NIBBLES + nibble;
  let branch = start;
  for (let bit = 3; bit >= 0; bit--) {
    const child: Branch | number | null = branch.children[bitOf(nibble, bit)];
    if (child === null || child === EOS) {
      NEXT[step] = FAIL;
      return;
    }
    if (typeof child === 'number') {
      EMIT[step] = child;
      branch = branches[0] as Branch;
    } else {
      branch = child;
    }
  }
  NEXT[step] = branch.id;
}

/** The buffer of decoded bytes; it grows to the longest string so far, limited by the header block limit. */
let scratch = Buffer.allocUnsafe(1_024);

/** Decodes a Huffman string into latin1, or null if it is invalid: an EOS, or padding that is too long or not all ones. */
export function huffmanDecode(buffer: Buffer, start: number, end: number): string | null {
  // The shortest code has five bits.
  const most = Math.ceil(((end - start) * 8) / 5);
  if (scratch.length < most) scratch = Buffer.allocUnsafe(most * 2);
  let state = 0;
  let length = 0;
  for (let i = start; i < end; i++) {
    const byte = buffer[i] as number;
    const high = state * NIBBLES + (byte >>> 4);
    state = NEXT[high] as number;
    if (state === FAIL) return null;
    if ((EMIT[high] as number) >= 0) scratch[length++] = EMIT[high] as number;
    const low = state * NIBBLES + (byte & 15);
    state = NEXT[low] as number;
    if (state === FAIL) return null;
    if ((EMIT[low] as number) >= 0) scratch[length++] = EMIT[low] as number;
  }
  return ACCEPT[state] === 1 ? scratch.latin1Slice(0, length) : null;
}

/** The encoded length of a latin1 string in bytes. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += LENGTHS[text.charCodeAt(i) & 0xff] as number;
  return (bits + 7) >>> 3;
}

/** Encodes a latin1 string at an offset and returns the offset after it. The buffer must have room for `huffmanLength`. */
export function huffmanEncode(text: string, buffer: Buffer, offset: number): number {
  let pending = 0;
  let bits = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i) & 0xff;
    // At most 7 bits are pending and a code has at most 30: more than 32 bits, so without bit operators.
    pending = pending * 2 ** (LENGTHS[symbol] as number) + (CODES[symbol] as number);
    bits += LENGTHS[symbol] as number;
    while (bits >= 8) {
      bits -= 8;
      const byte = Math.floor(pending / 2 ** bits);
      buffer[offset++] = byte;
      pending -= byte * 2 ** bits;
    }
  }
  if (bits > 0) buffer[offset++] = pending * 2 ** (8 - bits) + (2 ** (8 - bits) - 1);
  return offset;
}
