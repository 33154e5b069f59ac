// The headers that an intermediary adds to forwarded messages: Via to both (RFC 9110 section 7.6.3), Date to answers without one (section
// 6.6.1). All texts are made once.
import { httpDate } from './date.ts';
import type { Exchange } from './exchange.ts';
import type { Headers } from './headers.ts';

const V = 0x76;
const D = 0x64;

export class Hop {
  /** By the version of the received message; null: no Via. */
  readonly #via: Readonly<Record<number, string>> | null;

  /** `pseudonym`: a token, or '' for no Via. */
  constructor(pseudonym: string) {
    this.#via = pseudonym === '' ? null : { 10: `1.0 ${pseudonym}`, 11: `1.1 ${pseudonym}`, 20: `2.0 ${pseudonym}` };
  }

  /** Runs before the filters, so that a route can override it. */
  request({ requestHeaders, version }: Exchange): void {
    if (this.#via === null) return;
    const at = lastOf(requestHeaders, 'via', V);
    add(requestHeaders, at, this.#via[version] as string);
  }

  /** `version`: of the answer from the backend. */
  answer(headers: Headers, version: number): void {
    if (lastOf(headers, 'date', D) < 0) headers.push('date', httpDate());
    if (this.#via !== null) add(headers, lastOf(headers, 'via', V), this.#via[version] as string);
  }
}

/** The index of the last value of a header, or -1. */
function lastOf(headers: Headers, name: string, first: number): number {
  for (let i = headers.length - 2; i >= 0; i -= 2) {
    const candidate = headers[i] as string;
    if (candidate.charCodeAt(0) === first && candidate === name) return i + 1;
  }
  return -1;
}

function add(headers: Headers, at: number, via: string): void {
  if (at < 0) headers.push('via', via);
  else headers[at] = headers[at] === '' ? via : headers[at] + ', ' + via;
}
