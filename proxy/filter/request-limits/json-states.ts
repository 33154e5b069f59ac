// The states of a scanner of JSON (RFC 8259) over bytes: for each state and byte the next state, or an action that decides it.

const BYTES = 256;

/** The byte may not come here. */
export const MALFORMED = 0;

/** States. From `string` on they are inside of a text or number, whose length counts. */
export const STATE = Object.freeze({
  /** A value must come. */
  value: 1,
  /** After `[`: a value or the end. */
  firstElement: 2,
  /** After `{`: a name or the end. */
  firstMember: 3,
  /** After a comma in an object: a name. */
  member: 4,
  colon: 5,
  /** After a value: a comma, the end of the container, or nothing but white space after the outermost value. */
  after: 6,
  t: 7,
  tr: 8,
  tru: 9,
  f: 10,
  fa: 11,
  fal: 12,
  fals: 13,
  n: 14,
  nu: 15,
  nul: 16,
  string: 17,
  escape: 18,
  /** Inside of \uXXXX, with so many digits to come. */
  hex4: 19,
  hex3: 20,
  hex2: 21,
  hex1: 22,
  /** Inside of a character of several bytes (RFC 3629), with so many to come. */
  more1: 23,
  more2: 24,
  more3: 25,
  /** The same after E0, ED, F0 and F4, which permit fewer next bytes. */
  afterE0: 26,
  afterEd: 27,
  afterF0: 28,
  afterF4: 29,
  minus: 30,
  zero: 31,
  integer: 32,
  point: 33,
  fraction: 34,
  exponentMark: 35,
  exponentSign: 36,
  exponent: 37,
});

/** What a byte causes beyond another state; from `first` on. */
export const ACTION = Object.freeze({
  first: 64,
  openObject: 64,
  openArray: 65,
  closeObject: 66,
  closeArray: 67,
  comma: 68,
  beginName: 69,
  beginString: 70,
  endString: 71,
  beginMinus: 72,
  beginZero: 73,
  beginInteger: 74,
});

const WHITE_SPACE = ' \t\n\r';
const DIGITS = '0123456789';
const DIGITS_1_9 = '123456789';
const HEX = `${DIGITS}abcdefABCDEF`;

/** By `state << 8 | byte`. */
export const TRANSITIONS: Uint8Array = new Uint8Array((STATE.exponent + 1) * BYTES);

function on(state: number, characters: string, next: number): void {
  for (const character of characters) TRANSITIONS[(state << 8) | character.charCodeAt(0)] = next;
}

function onRange(state: number, first: number, last: number, next: number): void {
  for (let byte = first; byte <= last; byte++) TRANSITIONS[(state << 8) | byte] = next;
}

function word(first: number, begin: string, rest: string): void {
  let state = first;
  on(STATE.value, begin, state);
  for (const [i, character] of [...rest].entries()) {
    const next = i === rest.length - 1 ? STATE.after : state + 1;
    on(state, character, next);
    state = next;
  }
}

function values(): void {
  on(STATE.value, '{', ACTION.openObject);
  on(STATE.value, '[', ACTION.openArray);
  on(STATE.value, '"', ACTION.beginString);
  on(STATE.value, '-', ACTION.beginMinus);
  on(STATE.value, '0', ACTION.beginZero);
  on(STATE.value, DIGITS_1_9, ACTION.beginInteger);
  word(STATE.t, 't', 'rue');
  word(STATE.f, 'f', 'alse');
  word(STATE.n, 'n', 'ull');
}

function containers(): void {
  // All that may begin a value may begin the first element.
  TRANSITIONS.copyWithin(STATE.firstElement << 8, STATE.value << 8, (STATE.value + 1) << 8);
  on(STATE.firstElement, ']', ACTION.closeArray);
  on(STATE.firstMember, '"', ACTION.beginName);
  on(STATE.firstMember, '}', ACTION.closeObject);
  on(STATE.member, '"', ACTION.beginName);
  on(STATE.colon, ':', STATE.value);
  on(STATE.after, ',', ACTION.comma);
  on(STATE.after, '}', ACTION.closeObject);
  on(STATE.after, ']', ACTION.closeArray);
  for (const state of [STATE.value, STATE.firstElement, STATE.firstMember, STATE.member, STATE.colon, STATE.after])
    on(state, WHITE_SPACE, state);
}

function strings(): void {
  onRange(STATE.string, 0x20, 0x7f, STATE.string);
  on(STATE.string, '"', ACTION.endString);
  on(STATE.string, '\\', STATE.escape);
  on(STATE.escape, '"\\/bfnrt', STATE.string);
  on(STATE.escape, 'u', STATE.hex4);
  for (const state of [STATE.hex4, STATE.hex3, STATE.hex2]) on(state, HEX, state + 1);
  on(STATE.hex1, HEX, STATE.string);
}

/** RFC 3629 section 4. */
function characters(): void {
  onRange(STATE.string, 0xc2, 0xdf, STATE.more1);
  onRange(STATE.string, 0xe0, 0xef, STATE.more2);
  onRange(STATE.string, 0xf0, 0xf4, STATE.more3);
  onRange(STATE.string, 0xe0, 0xe0, STATE.afterE0);
  onRange(STATE.string, 0xed, 0xed, STATE.afterEd);
  onRange(STATE.string, 0xf0, 0xf0, STATE.afterF0);
  onRange(STATE.string, 0xf4, 0xf4, STATE.afterF4);
  onRange(STATE.more1, 0x80, 0xbf, STATE.string);
  onRange(STATE.more2, 0x80, 0xbf, STATE.more1);
  onRange(STATE.more3, 0x80, 0xbf, STATE.more2);
  onRange(STATE.afterE0, 0xa0, 0xbf, STATE.more1);
  onRange(STATE.afterEd, 0x80, 0x9f, STATE.more1);
  onRange(STATE.afterF0, 0x90, 0xbf, STATE.more2);
  onRange(STATE.afterF4, 0x80, 0x8f, STATE.more2);
}

function numbers(): void {
  // A number ends with what may follow a value.
  for (const state of [STATE.zero, STATE.integer, STATE.fraction, STATE.exponent])
    TRANSITIONS.copyWithin(state << 8, STATE.after << 8, (STATE.after + 1) << 8);
  on(STATE.minus, '0', STATE.zero);
  on(STATE.minus, DIGITS_1_9, STATE.integer);
  on(STATE.integer, DIGITS, STATE.integer);
  on(STATE.point, DIGITS, STATE.fraction);
  on(STATE.fraction, DIGITS, STATE.fraction);
  for (const state of [STATE.zero, STATE.integer]) on(state, '.', STATE.point);
  for (const state of [STATE.zero, STATE.integer, STATE.fraction]) on(state, 'eE', STATE.exponentMark);
  on(STATE.exponentMark, '+-', STATE.exponentSign);
  for (const state of [STATE.exponentMark, STATE.exponentSign, STATE.exponent]) on(state, DIGITS, STATE.exponent);
}

values();
containers();
strings();
characters();
numbers();
