// Reads the answers of Redis to scripts (RESP): lists of whole numbers, numbers, short texts and errors. An answer of another kind is an
// error of the protocol.

/** A list of numbers (one number is a list with one), or an error: the first word is its kind, like NOSCRIPT. */
export type RespAnswer = readonly number[] | Error;

const [LF, COLON, ASTERISK, MINUS, PLUS] = [10, 58, 42, 45, 43];
/** No answer has a longer line. */
const MAX_LINE = 65_536;
const MAX_MEMBERS = 1_024;
const NOTHING = Buffer.alloc(0);

export class RespReader {
  readonly #answered: (answer: RespAnswer) => void;
  #rest: Buffer = NOTHING;
  /** The list that is being read. */
  #members: number[] = [];
  #missing = 0;

  /** `answered` gets each answer, in order. */
  constructor(answered: (answer: RespAnswer) => void) {
    this.#answered = answered;
  }

  /** Reads the next bytes. Throws if they are not what they should be: the connection is of no use any more. */
  read(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let start = 0;
    for (let end = bytes.indexOf(LF); end !== -1; end = bytes.indexOf(LF, start)) {
      this.#line(bytes, start, end - 1);
      start = end + 1;
    }
    if (bytes.length - start > MAX_LINE) throw new Error('a line of Redis is too long');
    this.#rest = start === bytes.length ? NOTHING : Buffer.from(bytes.subarray(start));
  }

  #line(bytes: Buffer, start: number, end: number): void {
    const kind = bytes[start];
    if (kind === COLON) return this.#member(numberIn(bytes, start + 1, end));
    if (this.#missing > 0) throw new Error('a list of Redis has members that are no numbers');
    if (kind === ASTERISK) return this.#begin(numberIn(bytes, start + 1, end));
    if (kind === MINUS) return this.#answered(new Error(bytes.toString('utf8', start + 1, end)));
    if (kind !== PLUS) throw new Error('Redis gives an answer of an unknown kind');
    this.#answered([]);
  }

  #begin(count: number): void {
    if (count < 0 || count > MAX_MEMBERS) throw new Error('a list of Redis has an impossible length');
    this.#members = [];
    this.#missing = count;
    if (count === 0) this.#answered(this.#members);
  }

  #member(value: number): void {
    if (this.#missing === 0) return this.#answered([value]);
    this.#members.push(value);
    if (--this.#missing === 0) this.#answered(this.#members);
  }
}

function numberIn(bytes: Buffer, start: number, end: number): number {
  const isNegative = bytes[start] === MINUS;
  const first = isNegative ? start + 1 : start;
  if (first >= end) throw new Error('a number of Redis has no digits');
  let value = 0;
  for (let i = first; i < end; i++) {
    const digit = (bytes[i] as number) - 48;
    if (digit < 0 || digit > 9) throw new Error('a number of Redis has other characters than digits');
    value = value * 10 + digit;
  }
  return isNegative ? -value : value;
}
