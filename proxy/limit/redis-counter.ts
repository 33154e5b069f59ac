// One limit in Redis: the names of its keys there, and the commands that count them.
import { hash } from 'node:crypto';
import type { Terms } from '#lib/limit/share.ts';
import { Memo } from '#lib/memo.ts';
import type { RedisScript } from '#lib/redis-script.ts';
import { countingOf, type Counting } from './redis-scripts.ts';

/** The beginning of all keys. */
const PREFIX = 'weir:limit:';
/** The keys of a limit whose names are remembered. */
const NAMES = { entries: 5_000, characters: 500_000 };

export class RedisCounter {
  readonly #id: string;
  readonly #counting: Counting;
  readonly #names = new Memo<string>(NAMES);
  /** The beginning of the names of all its keys. */
  readonly prefix: string;
  /** The beginning and the end of the last command, with what the end was made of. */
  readonly #head: string;
  #tail = '';
  #rest: readonly number[] | null = null;
  #cost = Number.NaN;
  #isForced = false;

  constructor({ id, algorithm }: Terms) {
    const counting = countingOf(algorithm);
    if (counting === null) throw new Error(`${algorithm.kind} does not count in Redis`);
    this.#id = id;
    this.#counting = counting;
    this.prefix = prefixOf(id);
    const parts = 7 + counting.rest(0).length;
    this.#head = `*${parts}\r\n${bulk('EVALSHA')}${bulk(counting.script.sha)}${bulk('1')}`;
  }

  get script(): RedisScript {
    return this.#counting.script;
  }

  /** The name of a key: of a fixed length, and without what the key contains. */
  nameOf(key: string): string {
    let name = this.#names.get(key);
    if (name === undefined) this.#names.set(key, (name = `${this.prefix}${digest(`${this.#id}\n${key}`)}`));
    return name;
  }

  /** The arguments of the script. */
  argumentsOf(cost: number, isForced: boolean, wall: number): readonly number[] {
    const { limit, rest } = this.#counting;
    return [limit, cost, isForced ? 1 : 0, ...rest(wall)];
  }

  /** The command that runs the script, in the form of RESP. `wall`: milliseconds since the epoch. */
  commandOf(name: string, cost: number, isForced: boolean, wall: number): string {
    const rest = this.#counting.rest(wall);
    if (rest !== this.#rest || cost !== this.#cost || isForced !== this.#isForced) {
      this.#tail = [this.#counting.limit, cost, isForced ? 1 : 0, ...rest].map((value) => bulk(String(value))).join('');
      this.#rest = rest;
      this.#cost = cost;
      this.#isForced = isForced;
    }
    return `${this.#head}$${name.length}\r\n${name}\r\n${this.#tail}`;
  }
}

/** The beginning of the names of the keys of a limit (the id of its terms). It has no characters with a meaning in patterns. */
export function prefixOf(id: string): string {
  return `${PREFIX}${digest(id)}:`;
}

function digest(text: string): string {
  return hash('sha256', text, 'base64url');
}

/** A text of ASCII characters. */
function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}
