// The headers of a message for hooks.
import type { PluginHeaders } from '../../../../sdk/index.ts';

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VALUE = /^(?:[\x21-\x7e\x80-\uffff](?:[\t\x20-\x7e\x80-\uffff]*[\x21-\x7e\x80-\uffff])?)?$/;

/** Header values are bytes in UTF-8 with one character per byte, as the proxy has them. */
export class Headers implements PluginHeaders {
  readonly #list: string[];
  readonly #changed: () => void;

  constructor(list: readonly string[], changed: () => void) {
    this.#list = [...list];
    this.#changed = changed;
  }

  get list(): string[] {
    return this.#list;
  }

  get(name: string): string | null {
    const values = this.getAll(name);
    return values.length === 0 ? null : values.join(', ');
  }

  getAll(name: string): string[] {
    const [lower, list] = [name.toLowerCase(), this.#list];
    const values: string[] = [];
    for (let i = 0; i < list.length; i += 2) if (list[i] === lower) values.push(list[i + 1] as string);
    return values;
  }

  has(name: string): boolean {
    return this.getAll(name).length > 0;
  }

  set(name: string, value: string): void {
    const [lower, list] = [nameOf(name), this.#list];
    const text = valueOf(name, value);
    this.#changed();
    const first = this.#find(lower);
    if (first === -1) return void list.push(lower, text);
    list[first + 1] = text;
    for (let i = list.length - 2; i > first; i -= 2) if (list[i] === lower) list.splice(i, 2);
  }

  append(name: string, value: string): void {
    const pair: [string, string] = [nameOf(name), valueOf(name, value)];
    this.#changed();
    this.#list.push(...pair);
  }

  delete(name: string): void {
    const [lower, list] = [nameOf(name), this.#list];
    this.#changed();
    for (let i = list.length - 2; i >= 0; i -= 2) if (list[i] === lower) list.splice(i, 2);
  }

  entries(): [string, string][] {
    const pairs: [string, string][] = [];
    for (let i = 0; i < this.#list.length; i += 2) pairs.push([this.#list[i] as string, this.#list[i + 1] as string]);
    return pairs;
  }

  #find(lower: string): number {
    for (let i = 0; i < this.#list.length; i += 2) if (this.#list[i] === lower) return i;
    return -1;
  }
}

function nameOf(name: string): string {
  if (typeof name !== 'string' || !NAME.test(name)) throw new TypeError('the name of a header has characters that HTTP does not allow');
  return name.toLowerCase();
}

function valueOf(name: string, value: string): string {
  const text = String(value);
  if (!VALUE.test(text)) throw new TypeError(`the value of header ${name} has characters that HTTP does not allow`);
  return text;
}

/** Headers as a list. Throws for those that HTTP does not allow. */
export function flat(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).flatMap(([name, value]) => [nameOf(name), valueOf(name, value)]);
}
