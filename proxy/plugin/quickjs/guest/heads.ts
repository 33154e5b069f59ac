// The heads of messages for hooks, which keep what hooks change.
import type { PluginRequest, PluginResponse } from '../../../../sdk/index.ts';
import type { RequestHead, ResponseHead } from '../../message.ts';
import { Headers } from './headers.ts';

/** What the hooks of a message changed, and whether they still may. */
export class Edits {
  isOpen = true;
  path = false;
  status = false;
  headers = false;

  /** Throws unless the head can still be changed. */
  mark(part: 'path' | 'status' | 'headers'): void {
    if (!this.isOpen) throw new TypeError('the head of the message is already on its way');
    this[part] = true;
  }
}

/** The head of a request for hooks. */
export class Request implements PluginRequest {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly client: string;
  readonly principal: string | null;
  readonly headers: Headers;
  readonly #edits: Edits;
  #path: string;
  #query: string;

  constructor(head: RequestHead, edits: Edits) {
    this.method = head.method;
    this.scheme = head.scheme;
    this.host = head.host;
    this.client = head.client;
    this.principal = head.principal;
    this.headers = new Headers(head.headers, () => edits.mark('headers'));
    this.#edits = edits;
    this.#path = head.path;
    this.#query = head.query;
    Object.freeze(this);
  }

  get path(): string {
    return this.#path;
  }

  set path(path: string) {
    this.#edits.mark('path');
    this.#path = String(path);
  }

  get query(): string {
    return this.#query;
  }

  set query(query: string) {
    this.#edits.mark('path');
    this.#query = String(query);
  }
}

/** The head of an answer for hooks. */
export class Response implements PluginResponse {
  readonly headers: Headers;
  readonly #edits: Edits;
  #status: number;

  constructor(head: ResponseHead, edits: Edits) {
    this.headers = new Headers(head.headers, () => edits.mark('headers'));
    this.#edits = edits;
    this.#status = head.status;
    Object.freeze(this);
  }

  get status(): number {
    return this.#status;
  }

  set status(status: number) {
    this.#edits.mark('status');
    this.#status = status;
  }
}
