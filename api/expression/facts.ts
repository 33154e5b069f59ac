// The values that expressions can read. Each is read from its source at the first use, so that an expression pays for what it names only.
import { readAddress } from '#lib/address-words.ts';

/** A request as its source has it. Headers: flat pairs of a lower-case name and a value. */
export interface RequestSource {
  readonly method: string;
  readonly scheme: string;
  readonly host: string;
  /** Normalised, without the query. */
  readonly path: string;
  /** Without '?'. */
  readonly query: string;
  readonly headers: readonly string[];
  /** Bytes of the announced body; -1 if its length is not announced. */
  readonly size: number;
}

/** The authenticated caller; every field is empty without one. */
export interface PrincipalSource {
  readonly id: string;
  readonly method: string;
  readonly groups: readonly string[];
  readonly claims: Readonly<Record<string, unknown>>;
  readonly consumer: string;
  readonly plan: string;
}

/** The head of an answer. */
export interface ResponseSource {
  readonly status: number;
  readonly headers: readonly string[];
}

const NO_PRINCIPAL: PrincipalSource = Object.freeze({ id: '', method: '', groups: [], claims: {}, consumer: '', plan: '' });

/** `request` in expressions. */
export class RequestFacts {
  readonly #source: RequestSource;
  #headers: ReadonlyMap<string, string> | null = null;
  #query: ReadonlyMap<string, string> | null = null;

  constructor(source: RequestSource) {
    this.#source = source;
  }

  get method(): string {
    return this.#source.method;
  }

  get scheme(): string {
    return this.#source.scheme;
  }

  get host(): string {
    return this.#source.host;
  }

  get path(): string {
    return this.#source.path;
  }

  get size(): bigint {
    return BigInt(this.#source.size);
  }

  get headers(): ReadonlyMap<string, string> {
    return (this.#headers ??= headerMap(this.#source.headers));
  }

  get query(): ReadonlyMap<string, string> {
    return (this.#query ??= queryMap(this.#source.query));
  }
}

/** `client` in expressions. */
export class ClientFacts {
  readonly address: string;

  constructor(address: string) {
    this.address = address;
  }

  /** 4 or 6; 0 for a peer without an address. */
  get version(): bigint {
    return BigInt(readAddress(this.address));
  }
}

/** `principal` in expressions. */
export class PrincipalFacts {
  readonly #source: PrincipalSource;

  constructor(source: PrincipalSource | null) {
    this.#source = source ?? NO_PRINCIPAL;
  }

  get id(): string {
    return this.#source.id;
  }

  get method(): string {
    return this.#source.method;
  }

  get groups(): readonly string[] {
    return this.#source.groups;
  }

  get claims(): Readonly<Record<string, unknown>> {
    return this.#source.claims;
  }

  get consumer(): string {
    return this.#source.consumer;
  }

  get plan(): string {
    return this.#source.plan;
  }
}

/** `path` in expressions: what an expression or a template found in the path. */
export class PathFacts {
  /** The match itself, then its groups in their order; '' for one without a part. Empty without a match. */
  readonly captures: readonly string[];
  /** The groups with a name, decoded. */
  readonly params: ReadonlyMap<string, string>;

  constructor(captures: readonly string[] = [], params: ReadonlyMap<string, string> = new Map()) {
    this.captures = captures;
    this.params = params;
  }
}

/** `response` in expressions. */
export class ResponseFacts {
  readonly #source: ResponseSource;

  constructor(source: ResponseSource) {
    this.#source = source;
  }

  get status(): bigint {
    return BigInt(this.#source.status);
  }

  get headers(): ReadonlyMap<string, string> {
    return headerMap(this.#source.headers);
  }
}

/** How an exchange ended. */
export interface OutcomeSource {
  /** A code of errors.md; '' if the exchange did not fail. */
  readonly error: string;
  readonly durationMs: number;
  readonly attempts: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** Key of the rule; '' without one. */
  readonly route: string;
  readonly listener: string;
  /** `ADDRESS:PORT`; '' without an attempt. */
  readonly endpoint: string;
}

/** `outcome` in expressions. Durations are whole milliseconds. */
export class OutcomeFacts {
  readonly #source: OutcomeSource;

  constructor(source: OutcomeSource) {
    this.#source = source;
  }

  get error(): string {
    return this.#source.error;
  }

  get durationMs(): bigint {
    return BigInt(Math.round(this.#source.durationMs));
  }

  get attempts(): bigint {
    return BigInt(this.#source.attempts);
  }

  get requestBytes(): bigint {
    return BigInt(this.#source.requestBytes);
  }

  get responseBytes(): bigint {
    return BigInt(this.#source.responseBytes);
  }

  get route(): string {
    return this.#source.route;
  }

  get listener(): string {
    return this.#source.listener;
  }

  get endpoint(): string {
    return this.#source.endpoint;
  }
}

/** Everything that an expression can read. `response` is only there once an answer has begun, `outcome` when the exchange is over, `path` in changes of messages. */
export interface Facts {
  readonly request: RequestFacts;
  readonly client: ClientFacts;
  readonly principal: PrincipalFacts;
  readonly now: Date;
  readonly response?: ResponseFacts;
  readonly outcome?: OutcomeFacts;
  readonly path?: PathFacts;
  /** In changes of bodies: the body as it came, and the old value of a place. */
  readonly body?: unknown;
  readonly value?: unknown;
  /** The topic that a caller wants to publish or subscribe to. */
  readonly topic?: string;
}

/** Several lines of one name are one value with commas (RFC 9110 section 5.3). */
function headerMap(headers: readonly string[]): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] as string;
    const before = map.get(name);
    map.set(name, before === undefined ? (headers[i + 1] as string) : `${before}, ${headers[i + 1]}`);
  }
  return map;
}

/** The first value of a repeated parameter counts. */
function queryMap(query: string): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) if (!map.has(name)) map.set(name, value);
  return map;
}
