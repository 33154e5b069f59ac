// Hides secrets in JSON by the names of members, by pointers and by the form of texts, also in JSON that is cut off or broken: a scanner that
// never fails, in one pass.
import { EACH, type PointerStep } from '../json-pointer.ts';
import type { SecretNames } from './secret-names.ts';

export interface JsonRedaction {
  readonly names: SecretNames;
  readonly pointers: readonly (readonly PointerStep[])[];
  /** Hides secrets in the text of a value. */
  readonly text: (text: string) => string;
}

const HIDDEN = '"[redacted]"';
/** Values at a greater depth are hidden. */
const MAX_DEPTH = 64;

/** The JSON without its secrets. The same text if it has none. */
export function redactJson(text: string, redaction: JsonRedaction): string {
  return new JsonScanner(text, redaction).run();
}

/** An object or list that is open. */
interface Level {
  readonly isList: boolean;
  /** The member or element that comes next or is under way. */
  step: string;
  /** A member has its name, and its value follows. */
  hasName: boolean;
}

class JsonScanner {
  readonly #text: string;
  readonly #redaction: JsonRedaction;
  readonly #levels: Level[] = [];
  #clean = '';
  #copied = 0;
  #i = 0;

  constructor(text: string, redaction: JsonRedaction) {
    this.#text = text;
    this.#redaction = redaction;
  }

  run(): string {
    while (this.#i < this.#text.length) this.#step(this.#text[this.#i] as string);
    return this.#copied === 0 ? this.#text : this.#clean + this.#text.slice(this.#copied);
  }

  #step(char: string): void {
    const level = this.#levels.at(-1);
    if (char === '{' || char === '[') return this.#open(char === '[');
    if (char === '}' || char === ']') this.#levels.pop();
    else if (char === ',') {
      if (level !== undefined) next(level);
    } else if (char === '"') return this.#quoted(level);
    else if (!' \t\r\n:'.includes(char)) return this.#bare();
    this.#i++;
  }

  #open(isList: boolean): void {
    if (this.#isHidden() || this.#levels.length >= MAX_DEPTH) return this.#replace(this.#i, this.#endOfNested(), HIDDEN);
    this.#levels.push({ isList, step: isList ? '0' : '', hasName: false });
    this.#i++;
  }

  #quoted(level: Level | undefined): void {
    const end = endOfString(this.#text, this.#i);
    const token = this.#text.slice(this.#i, end);
    if (level?.isList === false && !level.hasName) {
      level.step = contentOf(token);
      level.hasName = true;
      this.#i = end;
      return;
    }
    if (this.#isHidden()) return this.#replace(this.#i, end, HIDDEN);
    const content = contentOf(token);
    const clean = this.#redaction.text(content);
    if (clean === content) this.#i = end;
    else this.#replace(this.#i, end, JSON.stringify(clean));
  }

  /** A number, a word, or what is no JSON. */
  #bare(): void {
    let end = this.#i;
    while (end < this.#text.length && !'{}[],:"\r\n'.includes(this.#text[end] as string)) end++;
    const token = this.#text.slice(this.#i, end);
    const clean = this.#isHidden() ? HIDDEN : this.#redaction.text(token);
    if (clean === token) this.#i = end;
    else this.#replace(this.#i, end, clean.startsWith('"') ? clean : JSON.stringify(clean));
  }

  /** Whether the value at this place is a secret. */
  #isHidden(): boolean {
    const level = this.#levels.at(-1);
    if (level === undefined) return false;
    if (!level.isList && this.#redaction.names.has(level.step)) return true;
    return this.#redaction.pointers.some((pointer) => this.#leadsHere(pointer));
  }

  #leadsHere(pointer: readonly PointerStep[]): boolean {
    return pointer.length === this.#levels.length && pointer.every((step, i) => step === EACH || step === this.#levels[i]?.step);
  }

  #replace(begin: number, end: number, by: string): void {
    this.#clean += this.#text.slice(this.#copied, begin) + by;
    this.#copied = end;
    this.#i = end;
  }

  /** The end of the object or list that begins here. */
  #endOfNested(): number {
    let depth = 0;
    let at = this.#i;
    while (at < this.#text.length) {
      const char = this.#text[at] as string;
      if (char === '"') {
        at = endOfString(this.#text, at);
        continue;
      }
      if (char === '{' || char === '[') depth++;
      if ((char === '}' || char === ']') && --depth === 0) return at + 1;
      at++;
    }
    return at;
  }
}

function next(level: Level): void {
  level.hasName = false;
  level.step = level.isList ? String(Number(level.step) + 1) : '';
}

/** Behind the closing quote, or the end of a text that is cut off. */
function endOfString(text: string, begin: number): number {
  let end = begin + 1;
  while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
  return Math.min(end + 1, text.length);
}

/** The characters of a string; as they are if it is cut off or broken. */
function contentOf(token: string): string {
  const inner = token.length > 1 && token.endsWith('"') ? token.slice(1, -1) : token.slice(1);
  if (!inner.includes('\\')) return inner;
  try {
    return JSON.parse(`"${inner.replaceAll(/[\r\n\t]/g, ' ')}"`) as string;
  } catch {
    return inner;
  }
}
