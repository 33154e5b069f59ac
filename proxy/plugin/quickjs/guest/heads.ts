// The heads of messages for hooks, which keep what hooks change. What most hooks never need is made when it is asked for.
import type { PluginRequest, PluginResponse } from '../../../../sdk/index.ts';
import type { RequestHead, ResponseHead } from '../../message.ts';
import { Headers, refuseChange, textOf } from './headers.ts';

/** What the heads of requests and answers have in common; functions, since a class of its own would make each head dearer. */
interface Head {
  readonly text: string;
  isOpen: boolean;
  list: Headers | null;
}

/** The headers, made when they are asked for. */
function headersOf(head: Head): Headers {
  const headers = (head.list = new Headers(head.text));
  if (!head.isOpen) headers.isOpen = false;
  return headers;
}

function open(head: Head, isOpen: boolean): void {
  head.isOpen = isOpen;
  if (head.list !== null) head.list.isOpen = isOpen;
}

/** Those of a request before its headers. */
const LINES = 7;

/** The head of a request for hooks. */
export class Request implements PluginRequest {
  /** See `requestText` of the proxy. */
  declare readonly text: string;
  declare isOpen: boolean;
  declare isMoved: boolean;
  declare list: Headers | null;
  declare lines: string[] | null;

  constructor(text: string) {
    this.text = text;
  }

  static of(head: RequestHead): Request {
    const { method, scheme, host, client, principal, path, query, headers } = head;
    const lines = [method, scheme, host, client, JSON.stringify(principal), path, query].map((line) => ` ${line}`);
    return new Request(lines.join('\n') + textOf(headers));
  }

  get method(): string {
    return this.line(0);
  }

  get scheme(): 'http' | 'https' {
    return this.line(1) as 'http' | 'https';
  }

  get host(): string {
    return this.line(2);
  }

  get client(): string {
    return this.line(3);
  }

  get principal(): string | null {
    return JSON.parse(this.line(4)) as string | null;
  }

  get path(): string {
    return this.line(5);
  }

  set path(path: string) {
    this.move(5, String(path));
  }

  get query(): string {
    return this.line(6);
  }

  set query(query: string) {
    this.move(6, String(query));
  }

  get headers(): Headers {
    return this.list ?? headersOf(this);
  }

  /** Whether the head can be changed. */
  open(isOpen: boolean): void {
    open(this, isOpen);
  }

  get hasHeaderEdits(): boolean {
    return this.list !== null && this.list.edits !== '';
  }

  /** The proxy knows the changes. */
  told(): void {
    this.isMoved = false;
    this.list?.told();
  }

  line(index: number): string {
    this.lines ??= this.text.split('\n', LINES).map((line) => line.slice(1));
    return this.lines[index] as string;
  }

  move(index: number, text: string): void {
    if (!this.isOpen) refuseChange();
    this.line(index);
    (this.lines as string[])[index] = text;
    this.isMoved = true;
  }
}
Object.assign(Request.prototype, { isOpen: true, isMoved: false, list: null, lines: null });

/** The head of an answer for hooks. */
export class Response implements PluginResponse {
  declare readonly text: string;
  declare code: number;
  declare isOpen: boolean;
  declare isChanged: boolean;
  declare list: Headers | null;

  constructor(status: number, text: string) {
    this.code = status;
    this.text = text;
  }

  static of({ status, headers }: ResponseHead): Response {
    return new Response(status, textOf(headers));
  }

  get status(): number {
    return this.code;
  }

  set status(status: number) {
    if (!this.isOpen) refuseChange();
    this.code = status;
    this.isChanged = true;
  }

  get headers(): Headers {
    return this.list ?? headersOf(this);
  }

  open(isOpen: boolean): void {
    open(this, isOpen);
  }

  get hasHeaderEdits(): boolean {
    return this.list !== null && this.list.edits !== '';
  }

  /** The proxy knows the changes. */
  told(): void {
    this.isChanged = false;
    this.list?.told();
  }
}
Object.assign(Response.prototype, { isOpen: true, isChanged: false, list: null });
