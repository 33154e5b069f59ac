// External services that answer over HTTP: the status is the decision.
import type { Exchange } from '../../exchange/exchange.ts';
import { isForwarded } from '../../exchange/forwarded-names.ts';
import { getHeader, joinHeader, type Headers } from '../../exchange/headers.ts';
import type { Ask, SubrequestAnswer } from '../../exchange/subrequest.ts';
import { denialStatus, mayChange, type Decision, type HeaderChange } from './decision.ts';
import { MAX_ANSWER_BYTES, PARTIAL_BODY, SentHeaders, targetOf, type QuestionBody, type Service, type ServiceSettings } from './service.ts';

/** What only services over HTTP have. */
export interface HttpSettings {
  /** Null: that of the request. */
  readonly method: string | null;
  /** The path of every question; null: that of the request. */
  readonly path: string | null;
  /** Comes before the path of the request; without a slash at its end. */
  readonly pathPrefix: string;
  /** Only 200 allows a request; otherwise every 2xx does. */
  readonly strict: boolean;
}

/** Describe the body of the service's answer, or belong to the connection with it. */
const OF_THE_ANSWER: ReadonlySet<string> = new Set([
  ...['content-type', 'content-encoding', 'content-language', 'content-range', 'content-location'],
  ...['date', 'via', 'server', 'alt-svc', 'accept-ranges', 'etag', 'last-modified', 'age', 'cache-control', 'vary', 'expires'],
]);
/** Envoy's way to remove headers over HTTP. */
const REMOVALS = 'x-envoy-auth-headers-to-remove';

export class HttpService implements Service {
  readonly #settings: ServiceSettings;
  readonly #http: HttpSettings;
  readonly #sent: SentHeaders;
  readonly #ask: Ask;

  constructor(settings: ServiceSettings, http: HttpSettings, ask: Ask) {
    this.#settings = settings;
    this.#http = http;
    this.#sent = new SentHeaders(settings);
    this.#ask = ask;
  }

  describe(exchange: Exchange): readonly string[] {
    return [exchange.method, exchange.authority, targetOf(exchange), ...this.#headers(exchange)];
  }

  async decide(exchange: Exchange, body: QuestionBody | null, signal?: AbortSignal): Promise<Decision> {
    const { cluster, timeout } = this.#settings;
    const headers = this.#headers(exchange);
    if (body !== null) addBodyHeaders(headers, exchange, body);
    const answer = await this.#ask(cluster, {
      method: this.#http.method ?? exchange.method,
      path: this.#path(exchange),
      authority: exchange.authority,
      headers,
      body: body?.bytes ?? null,
      timeout,
      maxAnswerBytes: MAX_ANSWER_BYTES,
      trace: exchange.trace,
      ...(signal === undefined ? {} : { signal }),
    });
    if (!('status' in answer && 'body' in answer))
      return { type: 'none', reason: `the service does not answer: ${answer.code}`, mayPass: true };
    return this.#decision(answer);
  }

  /** The target of an OPTIONS request may be `*`, which is no path. */
  #path(exchange: Exchange): string {
    const { path, pathPrefix } = this.#http;
    if (path !== null) return path;
    const target = targetOf(exchange);
    return target.startsWith('/') ? pathPrefix + target : `${pathPrefix}/${target}`;
  }

  #headers(exchange: Exchange): Headers {
    const headers: Headers = [];
    const { requestHeaders } = exchange;
    for (let i = 0; i < requestHeaders.length; i += 2) {
      const name = requestHeaders[i] as string;
      const isOwn = name === 'x-forwarded-method' || name === 'x-forwarded-uri' || name === PARTIAL_BODY;
      if (isOwn || !mayChange('request', name)) continue;
      if (isForwarded(name) || this.#sent.has(name)) headers.push(name, requestHeaders[i + 1] as string);
    }
    headers.push('x-forwarded-method', exchange.method, 'x-forwarded-uri', targetOf(exchange));
    return headers;
  }

  #decision(answer: SubrequestAnswer): Decision {
    const { status } = answer;
    if (status === 200 || (!this.#http.strict && status >= 200 && status <= 299)) return this.#allowed(answer);
    if (status >= 500) return { type: 'none', reason: `the service answers with ${status}`, mayPass: true };
    const { headersToClient } = this.#settings;
    const code = denialStatus(status);
    const keeps = (name: string): boolean =>
      headersToClient === null ? name !== 'date' && name !== 'via' : headersToClient.includes(name);
    const headers = code === status ? picked(answer.headers, 'response', (name) => keeps(name) || name === 'content-type') : [];
    return {
      type: 'denied',
      status: code,
      headers,
      body: code === status ? answer.body : Buffer.alloc(0),
      maxAge: maxAgeOf(answer.headers),
    };
  }

  #allowed({ headers }: SubrequestAnswer): Decision {
    const { headersToBackend, headersToClient, identityHeader } = this.#settings;
    const isForBackend = (name: string): boolean =>
      headersToBackend === null ? !OF_THE_ANSWER.has(name) && name !== REMOVALS && name !== 'set-cookie' : headersToBackend.includes(name);
    const removals = (joinHeader(headers, REMOVALS) ?? '').split(',').map((name) => name.trim().toLowerCase());
    return {
      type: 'allowed',
      toBackend: {
        remove: removals.filter((name) => mayChange('request', name)),
        set: picked(headers, 'request', isForBackend),
        append: [],
      },
      toClient: toClient(picked(headers, 'response', (name) => headersToClient?.includes(name) ?? false)),
      id: identityHeader === '' ? '' : (getHeader(headers, identityHeader) ?? ''),
      claims: {},
      maxAge: maxAgeOf(headers),
    };
  }
}

function addBodyHeaders(headers: Headers, exchange: Exchange, { isPartial }: QuestionBody): void {
  for (const name of ['content-type', 'content-encoding']) {
    const value = getHeader(exchange.requestHeaders, name);
    if (value !== null && getHeader(headers, name) === null) headers.push(name, value);
  }
  headers.push(PARTIAL_BODY, String(isPartial));
}

function picked(headers: readonly string[], side: 'request' | 'response', keeps: (name: string) => boolean): Headers {
  const result: Headers = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (mayChange(side, name) && keeps(name)) result.push(name, headers[i + 1] as string);
  }
  return result;
}

/** Cookies of the service and of the backend belong together. */
export function toClient(headers: readonly string[]): HeaderChange {
  const set: Headers = [];
  const append: Headers = [];
  for (let i = 0; i < headers.length; i += 2) {
    (headers[i] === 'set-cookie' ? append : set).push(headers[i] as string, headers[i + 1] as string);
  }
  return { remove: [], set, append };
}

/** The time in Cache-Control, milliseconds; 0 if the answer must not be used again; null if it does not say. */
function maxAgeOf(headers: readonly string[]): number | null {
  const directives = (joinHeader(headers, 'cache-control') ?? '').toLowerCase().split(',');
  let maxAge: number | null = null;
  for (const directive of directives) {
    const [name = '', value = ''] = directive.trim().split('=', 2);
    if (name === 'no-store' || name === 'no-cache') return 0;
    if (name === 'max-age') maxAge = /^"?[0-9]{1,9}"?$/.test(value) ? Number(value.replaceAll('"', '')) * 1_000 : 0;
  }
  return maxAge;
}
