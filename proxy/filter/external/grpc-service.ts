// External services that speak Envoy's protocol over gRPC.
import type { Exchange } from '../../exchange/exchange.ts';
import { answersCall, formatTimeout } from '../../exchange/grpc.ts';
import { getHeader, type Headers } from '../../exchange/headers.ts';
import { requestIdOf } from '../../exchange/request-id.ts';
import type { Ask, SubrequestAnswer } from '../../exchange/subrequest.ts';
import {
  CHECK_PATH,
  decodeResponse,
  encodeRequest,
  valuesOf,
  type CheckRequest,
  type CheckResponse,
  type HeaderOption,
  type Struct,
} from './authorization.ts';
import { denialStatus, mayChange, NO_CHANGE, type Decision, type HeaderChange } from './decision.ts';
import { MAX_ANSWER_BYTES, PARTIAL_BODY, SentHeaders, targetOf, type QuestionBody, type Service, type ServiceSettings } from './service.ts';

const PROTOCOLS: Readonly<Record<number, string>> = { 10: 'HTTP/1.0', 11: 'HTTP/1.1', 20: 'HTTP/2' };
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;
const NOT_ASCII = /[^\u0000-\u007f]/;

export class GrpcService implements Service {
  readonly #settings: ServiceSettings;
  readonly #sent: SentHeaders;
  readonly #ask: Ask;
  /** There is no host name: the cluster has addresses. */
  readonly #authority: string;

  constructor(settings: ServiceSettings, ask: Ask) {
    this.#settings = settings;
    this.#sent = new SentHeaders(settings);
    this.#ask = ask;
    const [, namespace = '', name = ''] = settings.cluster.split('/');
    this.#authority = `${name}.${namespace}`;
  }

  describe(exchange: Exchange): readonly string[] {
    const own = [exchange.method, exchange.authority, exchange.scheme, targetOf(exchange), exchange.clientAddress];
    return [...own, certificateName(exchange), ...Object.entries(this.#headers(exchange)).flat()];
  }

  async decide(exchange: Exchange, body: QuestionBody | null, signal?: AbortSignal): Promise<Decision> {
    const { cluster, timeout } = this.#settings;
    const answer = await this.#ask(cluster, {
      method: 'POST',
      path: CHECK_PATH,
      authority: this.#authority,
      headers: ['content-type', 'application/grpc', 'te', 'trailers', 'grpc-timeout', formatTimeout(timeout)],
      body: encodeRequest(this.#request(exchange, body)),
      timeout,
      maxAnswerBytes: MAX_ANSWER_BYTES,
      trace: exchange.trace,
      protocol: 'http2',
      ...(signal === undefined ? {} : { signal }),
    });
    if (!('body' in answer)) return none(`the service does not answer: ${answer.code}`);
    const response = responseOf(answer);
    return typeof response === 'string' ? none(response) : this.#decision(response);
  }

  #request(exchange: Exchange, body: QuestionBody | null): CheckRequest {
    const { connection } = exchange;
    const now = Date.now();
    return {
      attributes: {
        source: peer(exchange.clientAddress, connection.remotePort, certificateName(exchange)),
        destination: peer(connection.localAddress, connection.localPort, ''),
        request: { time: { seconds: Math.floor(now / 1_000), nanos: (now % 1_000) * 1_000_000 }, http: this.#http(exchange, body) },
        tls_session: connection.tls === null ? null : { sni: connection.tls.serverName },
      },
    };
  }

  #http(exchange: Exchange, body: QuestionBody | null): CheckRequest['attributes']['request']['http'] {
    const partial: Record<string, string> = body === null ? {} : { [PARTIAL_BODY]: String(body.isPartial) };
    return {
      id: requestIdOf(exchange),
      method: exchange.method,
      headers: { ...this.#headers(exchange), ...partial },
      path: targetOf(exchange),
      host: exchange.authority,
      scheme: exchange.scheme,
      size: body === null ? exchange.requestLength : body.bytes.length,
      protocol: PROTOCOLS[exchange.version] ?? 'HTTP/1.1',
      ...(body === null ? {} : bodyFields(body.bytes)),
    };
  }

  /** By name, with the pseudo headers; values with the same name are joined. */
  #headers(exchange: Exchange): Record<string, string> {
    const { requestHeaders, method, authority, scheme } = exchange;
    const byName = new Map([
      [':method', method],
      [':authority', authority],
      [':scheme', scheme],
      [':path', targetOf(exchange)],
    ]);
    for (let i = 0; i < requestHeaders.length; i += 2) {
      const name = requestHeaders[i] as string;
      if (name === PARTIAL_BODY || !this.#sent.has(name)) continue;
      const value = textOf(requestHeaders[i + 1] as string);
      const before = byName.get(name);
      byName.set(name, before === undefined ? value : `${before},${value}`);
    }
    return Object.fromEntries(byName);
  }

  #decision(response: CheckResponse): Decision {
    const { status, denied_response: denied = null, ok_response: ok = null } = response;
    // An empty message would mean that the request may pass, and is what a broken service sends.
    if (status === null && denied === null && ok === null) return none('the service sends an empty decision');
    return denied === null && (status === null || status.code === 0) ? this.#allowed(response) : this.#denied(denied);
  }

  #denied(denied: CheckResponse['denied_response'] | null): Decision {
    const { headersToClient } = this.#settings;
    const isKept = (name: string): boolean => mayChange('response', name) && name !== 'date' && (headersToClient?.includes(name) ?? true);
    const headers = readHeaders(denied?.headers ?? []);
    return {
      type: 'denied',
      status: denialStatus(denied?.status?.code ?? 403),
      headers: headers.flatMap(({ name, value }) => (value !== null && isKept(name) ? [name, value] : [])),
      body: Buffer.from(denied?.body ?? '', 'utf8'),
      maxAge: null,
    };
  }

  #allowed({ ok_response, dynamic_metadata: metadata }: CheckResponse): Decision {
    const ok = ok_response ?? NO_FIELDS;
    const claims = claimsOf(ok.dynamic_metadata ?? metadata);
    const { headersToBackend, headersToClient } = this.#settings;
    const headers = readHeaders(ok.headers);
    const answers = readHeaders(ok.response_headers_to_add);
    // The backend would get the request without what the service wants it to have.
    if (claims === null || [...headers, ...answers].some(({ value }) => value === null)) return INVALID;
    const removals = ok.headers_to_remove.map((name) => name.toLowerCase());
    return {
      type: 'allowed',
      toBackend: {
        ...changeOf(headers, (name) => mayChange('request', name) && (headersToBackend?.includes(name) ?? true)),
        remove: removals.filter((name) => mayChange('request', name)),
      },
      toClient: changeOf(answers, (name) => mayChange('response', name) && (headersToClient?.includes(name) ?? true)),
      id: this.#idOf(headers, claims),
      claims,
      maxAge: null,
    };
  }

  #idOf(headers: readonly ReadHeader[], { sub }: Readonly<Record<string, unknown>>): string {
    const { identityHeader } = this.#settings;
    const named = identityHeader === '' ? undefined : headers.find(({ name }) => name === identityHeader);
    return named?.value ?? (typeof sub === 'string' ? sub : '');
  }
}

/** An approval that changes nothing. */
const NO_FIELDS: NonNullable<CheckResponse['ok_response']> = Object.freeze({
  headers: [],
  headers_to_remove: [],
  response_headers_to_add: [],
  dynamic_metadata: null,
});

const INVALID: Decision = Object.freeze({ type: 'none', reason: 'the service sends a header that is not valid', mayPass: false });

function none(reason: string): Decision {
  return { type: 'none', reason, mayPass: true };
}

/** The message of a successful call, or why there is none. */
function responseOf({ status, headers, trailers, body }: SubrequestAnswer): CheckResponse | string {
  if (status !== 200 || !answersCall(headers)) return `the service does not speak gRPC: it answers with ${status}`;
  const code = (trailers === null ? null : getHeader(trailers, 'grpc-status')) ?? getHeader(headers, 'grpc-status');
  if (code !== '0') return `the call of the service fails with status ${code === null || !/^[0-9]{1,2}$/.test(code) ? 'unknown' : code}`;
  return decodeResponse(body) ?? 'the service sends no decision that can be read';
}

/** Structs may be deep enough to overflow the stack. Null: they are. */
function claimsOf(struct: Struct | null): Readonly<Record<string, unknown>> | null {
  if (struct === null) return {};
  try {
    return valuesOf(struct);
  } catch {
    return null;
  }
}

function peer(address: string, port: number, principal: string): CheckRequest['attributes']['source'] {
  return { address: { socket_address: { address, port_value: port } }, principal };
}

/** The name in the verified certificate of the client, as Envoy chooses it: a URI, a DNS name or the subject; '' without one. */
function certificateName({ connection }: Exchange): string {
  const certificate = connection.tls?.clientCertificate ?? null;
  if (certificate === null || !certificate.verified) return '';
  const names = certificate.subjectAltName.split(', ');
  const name = names.find((each) => each.startsWith('URI:')) ?? names.find((each) => each.startsWith('DNS:'));
  return name === undefined ? certificate.subject : name.slice(4);
}

/** A body that is text goes as text, another one as bytes. */
function bodyFields(bytes: Buffer): { readonly body: string } | { readonly raw_body: Buffer } {
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes) ? { body: text } : { raw_body: bytes };
}

/** Headers have bytes, messages have text. */
function textOf(value: string): string {
  return NOT_ASCII.test(value) ? Buffer.from(value, 'latin1').toString('utf8') : value;
}

interface ReadHeader {
  readonly name: string;
  /** Null: no header can have it. */
  readonly value: string | null;
  readonly append: boolean;
}

function readHeaders(options: readonly HeaderOption[]): readonly ReadHeader[] {
  return options.flatMap(({ header, append }) => {
    if (header === null) return [];
    const bytes = header.value === '' ? header.raw_value.toString('latin1') : Buffer.from(header.value, 'utf8').toString('latin1');
    const value = bytes.replaceAll(/^[ \t]+|[ \t]+$/g, '');
    return [{ name: header.key.toLowerCase(), value: CONTROL.test(value) ? null : value, append: append?.value === true }];
  });
}

function changeOf(headers: readonly ReadHeader[], keeps: (name: string) => boolean): HeaderChange {
  if (headers.length === 0) return NO_CHANGE;
  const set: Headers = [];
  const added: Headers = [];
  for (const { name, value, append } of headers) {
    if (value !== null && keeps(name)) (append || name === 'set-cookie' ? added : set).push(name, value);
  }
  return { remove: [], set, append: added };
}
