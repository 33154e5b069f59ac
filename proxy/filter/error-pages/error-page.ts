// One page of the `errorPages` of an HTTPPolicy: the answers that it replaces, and its text with the variables of an exchange.
import { STATUS_CODES } from 'node:http';
import { formOf, parseTemplate } from '#api/k8s/http/page-template.ts';
import type { PageForm, PagePart, PageVariable } from '#api/k8s/http/page-template.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { ObjectData } from '../../exchange/object-data.ts';
import { requestIdOf } from '../../exchange/request-id.ts';
import { FixedAnswer } from '../fixed-answers/fixed-answer.ts';

export type PageSettings = NonNullable<PolicySettings<'HTTPPolicy'>['errorPages']>[number];
export type AnswerSource = 'Proxy' | 'Backend';

const DEFAULT_TYPE = 'text/html; charset=utf-8';
const ALL_ERRORS = ['400-599'];
/** Longer texts of a client are cut. */
const MAX_VALUE = 1_024;

export class ErrorPage {
  readonly contentType: string;
  /** Null: that of the answer. */
  readonly status: number | null;
  readonly answer: FixedAnswer;
  readonly #ranges: readonly (readonly [number, number])[];
  readonly #source: AnswerSource | 'Any';
  readonly #form: PageForm;
  /** The entry with its parts. */
  #parsed: { readonly body: Buffer; readonly parts: readonly PagePart[] } | null = null;

  constructor({ statuses = ALL_ERRORS, source = 'Proxy', status, contentType = DEFAULT_TYPE, ...answer }: PageSettings, data: ObjectData) {
    this.contentType = contentType;
    this.status = status ?? null;
    this.answer = new FixedAnswer({ ...answer, contentType }, data);
    this.#ranges = statuses.map(rangeOf);
    this.#source = source;
    this.#form = formOf(contentType) ?? 'text';
  }

  /** Whether it can replace an answer with this status of this source. */
  suits(status: number, source: AnswerSource): boolean {
    if (this.#source !== 'Any' && this.#source !== source) return false;
    return this.#ranges.some(([first, last]) => first <= status && status <= last) && this.answer.body !== null;
  }

  /** Its text for an exchange. */
  render(exchange: Exchange): Buffer {
    const parts = this.#parts();
    const [only] = parts;
    if (parts.length === 1 && typeof only === 'string') return this.answer.body as Buffer;
    return Buffer.from(
      parts.map((part) => (typeof part === 'string' ? part : escaped(VALUES[part.variable](exchange), this.#form))).join(''),
    );
  }

  #parts(): readonly PagePart[] {
    const body = this.answer.body as Buffer;
    if (this.#parsed?.body !== body) this.#parsed = { body, parts: parseTemplate(body.toString()) };
    return this.#parsed.parts;
  }
}

function rangeOf(text: number | string): readonly [number, number] {
  const [first = '', last = first] = String(text).split('-');
  return [Number(first), Number(last)];
}

/** The value of each variable. */
const VALUES: Readonly<Record<PageVariable, (exchange: Exchange) => string>> = {
  status: ({ status }) => String(status),
  title: ({ error, status }) => error?.title ?? STATUS_CODES[status] ?? '',
  code: ({ error }) => error?.code ?? '',
  requestId: (exchange) => fromClient(requestIdOf(exchange)),
  host: ({ host }) => fromClient(host),
  path: ({ requestedPath }) => fromClient(requestedPath),
};

/** A text of the wire, one byte per character, without control characters. */
function fromClient(text: string): string {
  const decoded = Buffer.from(text.slice(0, MAX_VALUE), 'latin1').toString();
  return decoded.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** A text that cannot leave its place in the page. */
function escaped(text: string, form: PageForm): string {
  if (form === 'markup') return text.replace(/[&<>"']/g, (character) => ENTITIES[character] as string);
  return form === 'json' ? JSON.stringify(text).slice(1, -1) : text;
}
