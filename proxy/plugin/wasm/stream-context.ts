// What a module has of one exchange: a stream context of the ABI.
import type { Attributes, CallMessage, Changes, Hook } from '../message.ts';
import { BodyBuffer } from './body-buffer.ts';
import { HeaderMap } from './header-map.ts';

/** A call of a hook that is not settled: it runs, or the module pauses its stream. */
interface OpenCall {
  readonly call: number;
  readonly hook: Hook;
  readonly isLast: boolean;
}

/** A local answer (proxy_send_local_response). */
export interface LocalAnswer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
  /** Below 0: that of the status. */
  readonly grpcStatus: number;
}

/** The request or the answer of an exchange. */
export class Half {
  readonly body: BodyBuffer;
  head: HeaderMap | null = null;
  trailers: HeaderMap | null = null;
  open: OpenCall | null = null;
  /** The module continued the stream while the call was running. */
  isResumed = false;
  answer: LocalAnswer | null = null;

  constructor(maxBody: number) {
    this.body = new BodyBuffer(maxBody);
  }

  /** A hook begins: it may change its own part of the message. */
  begin(open: OpenCall): void {
    this.open = open;
    this.isResumed = false;
    const part = PARTS[open.hook];
    if (this.head !== null) this.head.isOpen = part === 'head' || part === 'whole';
    if (this.trailers !== null) this.trailers.isOpen = part === 'trailers';
    this.body.isOpen = part === 'whole' || part === 'piece';
  }

  /** The hook is over. */
  settle(): OpenCall | null {
    const { open } = this;
    this.open = null;
    this.body.isOpen = false;
    if (this.head !== null) this.head.isOpen = false;
    if (this.trailers !== null) this.trailers.isOpen = false;
    return open;
  }
}

/** What a hook may change. */
const PARTS: Readonly<Record<Hook, 'head' | 'whole' | 'piece' | 'trailers'>> = {
  onRequest: 'head',
  onRequestBody: 'whole',
  onRequestChunk: 'piece',
  onRequestTrailers: 'trailers',
  onResponse: 'head',
  onResponseBody: 'whole',
  onResponseChunk: 'piece',
  onResponseTrailers: 'trailers',
};

export class StreamContext {
  readonly id: number;
  /** Other hooks of the exchange may follow. */
  readonly isKept: boolean;
  readonly request: Half;
  readonly response: Half;
  /** Properties that the module set. */
  readonly own = new Map<string, Buffer>();
  attributes: Attributes = {};
  /** The module said that it still needs the context after its exchange. */
  isPendingDone = false;
  /** The module closed the stream. */
  isClosed = false;

  constructor(id: number, isKept: boolean, maxBody: number) {
    this.id = id;
    this.isKept = isKept;
    this.request = new Half(maxBody);
    this.response = new Half(maxBody);
  }

  half(hook: Hook): Half {
    return hook.startsWith('onRequest') ? this.request : this.response;
  }

  /** Takes what a message brings. */
  take({ hook, request, response, attributes, trailers }: CallMessage): void {
    if (attributes !== undefined) this.attributes = { ...this.attributes, ...attributes };
    if (request !== undefined) {
      const { method, scheme, host, path, query, headers } = request;
      const { 'request.host': authority = host } = this.attributes;
      const target = query === '' ? path : `${path}?${query}`;
      const pseudo = [':method', method, ':scheme', scheme, ':authority', String(authority), ':path', target];
      this.request.head = new HeaderMap([...pseudo, ...headers]);
    }
    if (response !== undefined) this.response.head = new HeaderMap([':status', String(response.status), ...response.headers]);
    if (trailers !== undefined) this.half(hook).trailers = new HeaderMap(trailers);
  }
}

/** What a settled hook changed of the head and the trailers. */
export function changesOf(half: Half, hook: Hook): Changes {
  const { head, trailers } = half;
  const part = PARTS[hook];
  if (part === 'trailers') return trailers?.isChanged === true ? { trailers: [...trailers.list] } : {};
  if (part === 'piece' || head === null || !head.isChanged) return {};
  head.isChanged = false;
  return hook.startsWith('onRequest') ? requestChanges(head) : { responseHeaders: head.fields(), status: Number(head.get(':status')) };
}

function requestChanges(head: HeaderMap): Changes {
  const target = head.get(':path') ?? '';
  const mark = target.indexOf('?');
  return {
    method: head.get(':method') ?? '',
    authority: head.get(':authority') ?? head.get('host') ?? '',
    path: mark < 0 ? target : target.slice(0, mark),
    query: mark < 0 ? '' : target.slice(mark + 1),
    requestHeaders: head.fields().filter((_, i, list) => list[i - (i % 2)] !== 'host'),
  };
}
