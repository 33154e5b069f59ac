// The headers of a message for hooks. They are one text, in which the engine searches faster than in a list: `\nname:value\nname:value\n`.
// Lines before them begin with a space, which no name does. Calls of functions are the dearest part of a hook, so what most calls need is not
// in functions of its own.
import type { PluginHeaders } from '../../../../sdk/index.ts';

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VALUE = /^(?:[\x21-\x7e\x80-\uffff](?:[\t\x20-\x7e\x80-\uffff]*[\x21-\x7e\x80-\uffff])?)?$/;
/** Names as hooks write them: checked ones in lower case, and the text before a value. */
const checked = new Map<string, string>();
const keys = new Map<string, string>();
const MAX_NAMES = 256;
/** Values that were valid before: to find one is faster than a pattern. */
const valid = new Set<string>();
const MAX_VALUES = 256;
const MAX_KNOWN_VALUE = 256;

/** Header values are bytes in UTF-8 with one character per byte, as the proxy has them. */
export class Headers implements PluginHeaders {
  /** Without the changes that nothing has looked at yet. */
  declare text: string;
  declare isOpen: boolean;
  /** The changes in their order, each behind a line break: `=name:value` sets a header, `+name:value` adds one, `-name` removes one. */
  declare edits: string;
  /** The changes that are in the text. */
  declare applied: number;
  /** Changes are not in the text. */
  declare isBehind: boolean;

  constructor(text: string) {
    this.text = text;
  }

  /** Names and values in turn. */
  get list(): string[] {
    return this.entries().flat();
  }

  get(name: string): string | null {
    const text = this.isBehind ? this.current() : this.text;
    const key = keys.get(name) ?? makeKey(name);
    const at = text.indexOf(key);
    if (at === -1) return null;
    const start = at + key.length;
    const end = text.indexOf('\n', start);
    return text.indexOf(key, end) === -1 ? text.slice(start, end) : this.getAll(name).join(', ');
  }

  getAll(name: string): string[] {
    const text = this.isBehind ? this.current() : this.text;
    const key = keys.get(name) ?? makeKey(name);
    const values: string[] = [];
    for (let at = text.indexOf(key); at !== -1;) {
      const start = at + key.length;
      const end = text.indexOf('\n', start);
      values.push(text.slice(start, end));
      at = text.indexOf(key, end);
    }
    return values;
  }

  has(name: string): boolean {
    return (this.isBehind ? this.current() : this.text).includes(keys.get(name) ?? makeKey(name));
  }

  set(name: string, value: string): void {
    if (!this.isOpen) refuseChange();
    const text = valid.has(value) ? value : valueOf(name, value);
    this.edits += `\n=${checked.get(name) ?? nameOf(name)}:${text}`;
    this.isBehind = true;
  }

  append(name: string, value: string): void {
    this.edit(`+${nameOf(name)}:${valueOf(name, value)}`);
  }

  delete(name: string): void {
    this.edit(`-${nameOf(name)}`);
  }

  entries(): [string, string][] {
    const text = this.current();
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith(' '));
    return lines.map((line) => {
      const end = line.indexOf(':');
      return [line.slice(0, end), line.slice(end + 1)];
    });
  }

  edit(edit: string): void {
    if (!this.isOpen) refuseChange();
    this.edits += `\n${edit}`;
    this.isBehind = true;
  }

  /** The proxy knows the changes. */
  told(): void {
    this.current();
    this.edits = '';
    this.applied = 0;
  }

  /** The text with all changes. */
  current(): string {
    if (!this.isBehind) return this.text;
    this.isBehind = false;
    const edits = this.edits.slice(this.applied + 1).split('\n');
    this.applied = this.edits.length;
    for (const edit of edits) this.text = edited(this.text, edit);
    return this.text;
  }
}

// The prototype has what most objects never change: to make a field costs more than to read one.
Object.assign(Headers.prototype, { isOpen: true, edits: '', applied: 0, isBehind: false });

/** The head cannot be changed any more. */
export function refuseChange(): never {
  throw new TypeError('the head of the message is already on its way');
}

function edited(text: string, edit: string): string {
  if (edit.startsWith('+')) return `${text}${edit.slice(1)}\n`;
  if (edit.startsWith('-')) return without(text, `\n${edit.slice(1)}:`);
  const line = edit.slice(1);
  const key = `\n${line.slice(0, line.indexOf(':') + 1)}`;
  const at = text.indexOf(key);
  return at === -1 ? `${text}${line}\n` : `${text.slice(0, at)}\n${line}${without(text.slice(text.indexOf('\n', at + 1)), key)}`;
}

/** The text without the lines that begin so. */
function without(text: string, key: string): string {
  let rest = text;
  for (let at = rest.indexOf(key); at !== -1; at = rest.indexOf(key, at)) rest = rest.slice(0, at) + rest.slice(rest.indexOf('\n', at + 1));
  return rest;
}

/** The text before a value. */
function makeKey(name: string): string {
  const key = `\n${name.toLowerCase()}:`;
  if (keys.size < MAX_NAMES) keys.set(name, key);
  return key;
}

function nameOf(name: string): string {
  const known = checked.get(name);
  if (known !== undefined) return known;
  if (typeof name !== 'string' || !NAME.test(name)) throw new TypeError('the name of a header has characters that HTTP does not allow');
  const lower = name.toLowerCase();
  if (checked.size < MAX_NAMES) checked.set(name, lower);
  return lower;
}

function valueOf(name: string, value: string): string {
  if (valid.has(value)) return value;
  const text = String(value);
  if (!VALUE.test(text)) throw new TypeError(`the value of header ${name} has characters that HTTP does not allow`);
  if (valid.size < MAX_VALUES && text.length <= MAX_KNOWN_VALUE) valid.add(text);
  return text;
}

/** Headers as a list. Throws for those that HTTP does not allow. */
export function flat(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).flatMap(([name, value]) => [nameOf(name), valueOf(name, value)]);
}

/** A list as a text. */
export function textOf(list: readonly string[]): string {
  let text = '\n';
  for (let i = 0; i < list.length; i += 2) text += `${list[i] as string}:${list[i + 1] as string}\n`;
  return text;
}
