// Hides secrets in what Weir tells about requests: logs, traces, samples of errors. The one place that decides what a secret is.
import type { RE2JS } from 're2js';
import type { PointerStep } from '../json-pointer.ts';
import { secretValueAt } from './assignments.ts';
import { redactJson } from './json.ts';
import { SecretNames } from './secret-names.ts';
import { isSuspicious, SecretFinder, type SecretForm, type Span } from './secret-spans.ts';

/** What stands in place of a secret. */
export const REDACTED = '[redacted]';

export interface RedactionSettings {
  /** Further names of headers, parameters, cookies and members with secrets. */
  readonly names?: readonly string[];
  /** What these match is hidden. */
  readonly patterns?: readonly RE2JS[];
  /** Places in bodies of JSON. */
  readonly pointers?: readonly (readonly PointerStep[])[];
  /** What is found by its form; all by default. */
  readonly forms?: readonly SecretForm[];
}

export const SECRET_FORMS: readonly SecretForm[] = ['Cards', 'Emails', 'Tokens'];

const JSON_TYPE = /^application\/(?:[a-z0-9!#$&^_.+-]+\+)?json\s*(?:;|$)/i;

export class Redactor {
  readonly #names: SecretNames;
  readonly #patterns: readonly RE2JS[];
  readonly #pointers: readonly (readonly PointerStep[])[];
  readonly #forms: ReadonlySet<SecretForm>;

  constructor({ names = [], patterns = [], pointers = [], forms = SECRET_FORMS }: RedactionSettings = {}) {
    this.#names = new SecretNames(names);
    this.#patterns = patterns;
    this.#pointers = pointers;
    this.#forms = new Set(forms);
  }

  /** Whether only the forms and names of secrets count, so that `quick-check.ts` may decide. */
  get isQuick(): boolean {
    return this.#patterns.length === 0;
  }

  /** Any text: paths, queries, messages, forms, XML. The same text if it has no secret. */
  readonly text = (text: string): string => {
    const found = this.#byForm(text);
    return this.#patterns.length === 0 ? found : this.#byPatterns(found);
  };

  /** Whether values of a header (lower-case name) are secrets. */
  hides(name: string): boolean {
    return this.#names.has(name);
  }

  /** The value of a header (lower-case name). Of credentials only the scheme stays. */
  header(name: string, value: string): string {
    if (!this.#names.has(name)) return this.text(value);
    const scheme = /authorization$/i.test(name) ? (/^[A-Za-z0-9-]{1,32} (?=.)/.exec(value)?.[0] ?? '') : '';
    return scheme + REDACTED;
  }

  /** Flat pairs of names and values. */
  headers(headers: readonly string[]): string[] {
    return headers.map((value, i) => (i % 2 === 0 ? value : this.header(headers[i - 1] as string, value)));
  }

  /** A body, or its beginning, as text of this media type. */
  body(mediaType: string, text: string): string {
    if (!JSON_TYPE.test(mediaType)) return this.text(text);
    const found = redactJson(text, { names: this.#names, pointers: this.#pointers, text: (value) => this.#byForm(value) });
    return this.#byPatterns(found);
  }

  #byForm(text: string): string {
    let finder: SecretFinder | null = null;
    let clean = '';
    let copied = 0;
    for (let i = 0; i < text.length; i++) {
      if (!isSuspicious(text.charCodeAt(i), text.charCodeAt(i + 1))) continue;
      const span = this.#spanAt(text, i, copied, (finder ??= new SecretFinder(text, this.#forms)));
      if (span === null) continue;
      clean += text.slice(copied, span.begin) + REDACTED;
      copied = span.end;
      i = span.end - 1;
    }
    return copied === 0 ? text : clean + text.slice(copied);
  }

  #spanAt(text: string, i: number, from: number, finder: SecretFinder): Span | null {
    const code = text.charCodeAt(i);
    const isAssignment = code === 0x3d || code === 0x3a;
    return (isAssignment ? secretValueAt(text, i, this.#names) : null) ?? finder.at(i, from) ?? finder.key(i);
  }

  #byPatterns(text: string): string {
    return this.#patterns.reduce((clean, pattern) => pattern.matcher(clean).replaceAll(REDACTED), text);
  }
}

/** Without settings of policies. */
export const DEFAULT_REDACTOR = new Redactor();
