// HTTP to a kube-apiserver: raw JSON over kept connections, with the credentials of a kubeconfig, read again as they rotate.
import { setTimeout as delay } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';
import { Agent, ProxyAgent, request } from 'undici';
import type { buildConnector, Dispatcher } from 'undici';
import { contentHash } from '#lib/hash.ts';

/** Tokens and certificates are files that rotate: what was read is used for so long. client-go reads tokens every minute. */
const CREDENTIALS_MS = 30_000;
/** How long a server may take to begin an answer, and between two parts of one that is not a watch. */
const ANSWER_TIMEOUT_MS = 30_000;
/** The largest answer that is read: a page of 500 objects is some megabytes. */
const MAX_ANSWER_BYTES = 256 * 1_024 * 1_024;

/** One call. `path` begins with '/' and carries its query. */
export interface ApiCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  /** The media type of `body`; JSON when absent. */
  readonly contentType?: string;
  /** The form of the answer, JSON by default. */
  readonly accept?: string;
  readonly signal?: AbortSignal;
}

/** What came back; `body` is parsed JSON, or text where it was none. */
export interface ApiReply {
  readonly status: number;
  readonly body: unknown;
}

/** An open watch: the answer's status, and its bytes as they arrive. */
export interface ApiStream {
  readonly status: number;
  readonly chunks: AsyncIterable<Buffer>;
}

/** An answer that is not a success, with what the server says about it. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, body: unknown) {
    super(messageOf(body) ?? `the API server answered ${status}`);
    this.status = status;
  }
}

interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
  readonly tlsHash: string;
  readonly readAt: number;
}

/** What client-node fills in for a request. */
interface HttpsOptions {
  headers: Record<string, string>;
  auth?: string;
  ca?: Buffer;
  cert?: Buffer;
  key?: Buffer;
  pfx?: Buffer;
  passphrase?: string;
  rejectUnauthorized?: boolean;
  servername?: string;
}

/** Reads a kubeconfig file, or finds the cluster as kubectl and pods do. Throws when there is none or it is broken. */
export function loadKubeConfig(file: string): KubeConfig {
  const config = new KubeConfig();
  if (file === '') config.loadFromDefault();
  else config.loadFromFile(file);
  return config;
}

/** The namespace a pod runs in or a kubeconfig's context names. */
export function namespaceOf(config: KubeConfig): string {
  return config.getContextObject(config.getCurrentContext())?.namespace ?? 'default';
}

/** Every method rejects on a lost connection; answers of any status are values. Safe to share. */
export class ApiClient {
  readonly #config: KubeConfig;
  readonly #server: string;
  #credentials: Promise<Credentials> | null = null;

  /** Throws when the kubeconfig names no cluster. */
  constructor(config: KubeConfig) {
    const cluster = config.getCurrentCluster();
    if (cluster === null) throw new Error('the kubeconfig has no current cluster');
    this.#config = config;
    this.#server = cluster.server.replace(/\/$/, '');
    // client-node refuses plain HTTP unless TLS verification is off; without TLS there is nothing to verify.
    if (cluster.server.startsWith('http:')) config.clusters = config.clusters.map((c) => ({ ...c, skipTLSVerify: true }));
  }

  /** One request with its whole answer. A 401 is tried again once with credentials read anew. */
  async call(call: ApiCall): Promise<ApiReply> {
    const reply = await this.#callOnce(call);
    if (reply.status !== 401) return reply;
    await this.#dropCredentials();
    return this.#callOnce(call);
  }

  /** As `call`, and rejects with an ApiError unless the answer is a success. */
  async ask(call: ApiCall): Promise<unknown> {
    const { status, body } = await this.call(call);
    if (status < 200 || status > 299) throw new ApiError(status, body);
    return body;
  }

  /** A watch. Its chunks end, or reject, when the server, the network or the signal says so. */
  async stream(path: string, signal: AbortSignal, { accept }: Pick<ApiCall, 'accept'> = {}): Promise<ApiStream> {
    const { headers, dispatcher } = await this.#currentCredentials();
    const timeouts = { headersTimeout: ANSWER_TIMEOUT_MS, bodyTimeout: 0 };
    const answer = await request(this.#server + path, {
      method: 'GET',
      headers: accepting(headers, accept),
      dispatcher,
      signal,
      ...timeouts,
    });
    if (answer.statusCode === 401) await this.#dropCredentials();
    return { status: answer.statusCode, chunks: answer.body as AsyncIterable<Buffer> };
  }

  /** Cuts every connection. */
  async close(): Promise<void> {
    const credentials = this.#credentials;
    this.#credentials = null;
    if (credentials !== null) await (await credentials).dispatcher.destroy();
  }

  async #callOnce({ method, path, body, contentType = 'application/json', accept, signal }: ApiCall): Promise<ApiReply> {
    const { headers: own, dispatcher } = await this.#currentCredentials();
    const headers = accepting(own, accept);
    const answer = await request(this.#server + path, {
      method,
      dispatcher,
      headers: body === undefined ? headers : { ...headers, 'content-type': contentType },
      headersTimeout: ANSWER_TIMEOUT_MS,
      bodyTimeout: ANSWER_TIMEOUT_MS,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
    return { status: answer.statusCode, body: parseBody(await readAll(answer.body)) };
  }

  async #currentCredentials(): Promise<Credentials> {
    const known = this.#credentials;
    if (known === null) return this.#readCredentials(null);
    const credentials = await known;
    if (performance.now() - credentials.readAt < CREDENTIALS_MS || this.#credentials !== known) return credentials;
    return this.#readCredentials(credentials);
  }

  async #dropCredentials(): Promise<void> {
    const known = await this.#credentials;
    // An expired token is read again at once; one that is refused all the time must not make us read files all the time.
    if (known === null || performance.now() - known.readAt < 1_000) await delay(100);
    else await this.#readCredentials(known);
  }

  #readCredentials(before: Credentials | null): Promise<Credentials> {
    const reading = this.#load(before);
    this.#credentials = reading;
    reading.catch(() => {
      if (this.#credentials === reading) this.#credentials = before === null ? null : Promise.resolve(before);
    });
    return reading;
  }

  async #load(before: Credentials | null): Promise<Credentials> {
    const options: HttpsOptions = { headers: {} };
    await this.#config.applyToHTTPSOptions(options);
    const headers = { accept: 'application/json', 'user-agent': 'weir', ...options.headers, ...basicAuth(options.auth) };
    const tlsHash = contentHash([options.ca, options.cert, options.key, options.pfx].map(String).join('|'));
    const readAt = performance.now();
    if (before?.tlsHash === tlsHash) return { headers, dispatcher: before.dispatcher, tlsHash, readAt };
    // Requests under way keep the connections of the old certificate until they are done.
    if (before !== null) void before.dispatcher.close();
    return { headers, dispatcher: this.#dispatcherFor(options), tlsHash, readAt };
  }

  #dispatcherFor(options: HttpsOptions): Dispatcher {
    const chosen = this.#config.createDispatcherOptions(this.#config.getCurrentCluster(), options);
    switch (chosen.type) {
      case 'agent':
        return new Agent({ connect: chosen.connect as buildConnector.BuildOptions });
      case 'proxy':
        return new ProxyAgent({ uri: chosen.uri, requestTls: chosen.requestTls as buildConnector.BuildOptions });
      case 'none':
        return new Agent();
      case 'socks':
        throw new Error('a SOCKS proxy to the API server (proxy-url) is not supported, only HTTP');
    }
  }
}

function accepting(headers: Credentials['headers'], accept: string | undefined): Credentials['headers'] {
  return accept === undefined ? headers : { ...headers, accept };
}

function basicAuth(auth: string | undefined): Record<string, string> {
  return auth === undefined ? {} : { authorization: `Basic ${Buffer.from(auth).toString('base64')}` };
}

async function readAll(chunks: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`the API server's answer is larger than ${MAX_ANSWER_BYTES} bytes`);
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** JSON, or the text where it is none: an API server without the group of a kind answers so. */
export function parseBody(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** The message of a metav1.Status. */
export function messageOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const message = (body as { message?: unknown }).message;
  return typeof message === 'string' ? message : undefined;
}
