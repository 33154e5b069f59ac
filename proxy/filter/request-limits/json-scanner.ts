// Scans JSON (RFC 8259, in UTF-8) chunk by chunk, strictly, without building values: memory depends on the depth of containers only, and
// on the names of open objects if duplicates count.
import { ACTION, MALFORMED, STATE, TRANSITIONS } from './json-states.ts';
import { MemberNames } from './member-names.ts';

/** Limits of a JSON text; Infinity: none. */
export interface JsonLimits {
  /** Containers within each other. */
  readonly depth: number;
  /** Members of one object. */
  readonly members: number;
  /** Elements of one array. */
  readonly elements: number;
  /** Bytes of a string or name between its quotes, as sent. */
  readonly stringBytes: number;
  /** Characters of a number. */
  readonly numberLength: number;
  /** Objects may have a name only once. */
  readonly uniqueNames: boolean;
}

/** Why a text is refused. A few words for logs that hold nothing of the text. */
export type JsonProblem =
  | 'not JSON'
  | 'incomplete JSON'
  | 'a name twice in one object'
  | 'nested too deeply'
  | 'too many members'
  | 'too many elements'
  | 'a string is too long'
  | 'a number is too long'
  | 'too many names of open objects';

export class JsonScanner {
  readonly #limits: JsonLimits;
  readonly #names: MemberNames | null;
  #state: number = STATE.value;
  /** For each open container: whether it is an object, and its members or elements before the current one. */
  readonly #objects: boolean[] = [];
  readonly #counts: number[] = [];
  #isName = false;
  /** The bytes that the current string or number may still have. */
  #room = 0;

  constructor(limits: JsonLimits) {
    this.#limits = limits;
    this.#names = limits.uniqueNames ? new MemberNames() : null;
  }

  /** Takes the next bytes. Returns why the text is refused; null: nothing is wrong so far. Nothing may be written after a refusal. */
  write(chunk: Uint8Array): JsonProblem | null {
    let state = this.#state;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i] as number;
      const next = TRANSITIONS[(state << 8) | byte] as number;
      if (next < ACTION.first) {
        if (next === MALFORMED) return 'not JSON';
        if (next >= STATE.string && !this.#fits(state, byte, next)) return tooLong(next);
        state = next;
        continue;
      }
      const problem = this.#act(next);
      if (problem !== null) return problem;
      state = this.#state;
    }
    this.#state = state;
    return null;
  }

  /** Takes a byte of a string or number, and says whether it may be as long. */
  #fits(state: number, byte: number, next: number): boolean {
    if (this.#names !== null && this.#isName) this.#names.take(state, byte, next);
    return --this.#room >= 0;
  }

  /** The text is over. */
  end(): JsonProblem | null {
    if (this.#objects.length > 0) return 'incomplete JSON';
    return (TRANSITIONS[(this.#state << 8) | 0x20] as number) === STATE.after ? null : 'incomplete JSON';
  }

  #act(action: number): JsonProblem | null {
    switch (action) {
      case ACTION.openObject:
      case ACTION.openArray:
        return this.#open(action === ACTION.openObject);
      case ACTION.closeObject:
      case ACTION.closeArray:
        return this.#close(action === ACTION.closeObject);
      case ACTION.comma:
        return this.#next();
      case ACTION.endString:
        return this.#endString();
      default:
        return this.#begin(action);
    }
  }

  #open(isObject: boolean): JsonProblem | null {
    if (this.#objects.length >= this.#limits.depth) return 'nested too deeply';
    this.#objects.push(isObject);
    this.#counts.push(0);
    if (isObject && this.#names !== null) this.#names.open();
    this.#state = isObject ? STATE.firstMember : STATE.firstElement;
    return null;
  }

  #close(isObject: boolean): JsonProblem | null {
    if (this.#objects.pop() !== isObject) return 'not JSON';
    this.#counts.pop();
    if (isObject && this.#names !== null) this.#names.close();
    this.#state = STATE.after;
    return null;
  }

  #next(): JsonProblem | null {
    const last = this.#objects.length - 1;
    if (last < 0) return 'not JSON';
    const isObject = this.#objects[last] as boolean;
    const count = (this.#counts[last] as number) + 1;
    if (count >= (isObject ? this.#limits.members : this.#limits.elements)) return isObject ? 'too many members' : 'too many elements';
    this.#counts[last] = count;
    this.#state = isObject ? STATE.member : STATE.value;
    return null;
  }

  #endString(): JsonProblem | null {
    this.#state = this.#isName ? STATE.colon : STATE.after;
    if (!this.#isName || this.#names === null) return null;
    this.#isName = false;
    return this.#names.end();
  }

  #begin(action: number): JsonProblem | null {
    this.#isName = action === ACTION.beginName;
    if (action === ACTION.beginName || action === ACTION.beginString) {
      this.#room = this.#limits.stringBytes;
      this.#state = STATE.string;
      return null;
    }
    this.#room = this.#limits.numberLength - 1;
    this.#state = STATE.minus + action - ACTION.beginMinus;
    return this.#room < 0 ? 'a number is too long' : null;
  }
}

function tooLong(state: number): JsonProblem {
  return state < STATE.minus ? 'a string is too long' : 'a number is too long';
}
