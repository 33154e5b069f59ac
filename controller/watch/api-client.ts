// HTTP client of a kube-apiserver: raw JSON over kept connections. Rotated credentials of the kubeconfig are read again.
import { setTimeout as delay } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';
import { Agent, ProxyAgent, request } from 'undici';
import type { buildConnector, Dispatcher } from 'undici';
import { Mistake } from '#lib/flags.ts';
import { contentHash } from '#lib/hash.ts';
import { describeSystemError, isSystemError } from '#lib/system-error.ts';

/** How long tokens and certificates from files are used before they are read again. client-go reads tokens every minute. */
const CREDENTIALS_MS = 30_000;
/** How long a server may take to start an answer, and between two parts of one that is not a watch. */
const ANSWER_TIMEOUT_MS = 30_000;
/** The maximum size of an answer: a page of 500 objects is several megabytes. */
const MAX_ANSWER_BYTES = 256 * 1_024 * 1_024;

/** One request. `path` begins with '/' and includes the query. */
export interface ApiCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  /** The media type of `body`; JSON when absent. */
  readonly contentType?: string;
  /** The media type of the answer; JSON when absent. */
  readonly accept?: string;
  readonly signal?: AbortSignal;
}

/** An answer; `body` is parsed JSON, or text if it is not JSON. */
export interface ApiReply {
  readonly status: number;
  readonly body: unknown;
}

/** An open watch: the status of the answer, and its bytes as they arrive. */
export interface ApiStream {
  readonly status: number;
  readonly chunks: AsyncIterable<Buffer>;
}

/** An answer without success, with the server's message. */
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

/** The options that client-node sets for a request. */
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

/** Reads a kubeconfig file, or finds the cluster like kubectl and pods do. Throws if there is none or it is invalid. */
export function loadKubeConfig(file: string): KubeConfig {
  const config = new KubeConfig();
  const problem = readInto(config, file) ?? (config.getCurrentCluster() === null ? 'it names no current cluster' : null);
  if (problem !== null)
    throw new Mistake(`--kubeconfig${file === '' ? ' is not given, and the default cannot be used' : ` ${file}`}: ${problem}`);
  return config;
}

/** What is wrong with the file, in one line; null for nothing. */
function readInto(config: KubeConfig, file: string): string | null {
  try {
    if (file === '') config.loadFromDefault();
    else config.loadFromFile(file);
    return null;
  } catch (error) {
    if (isSystemError(error)) return describeSystemError(error, file);
    return `it cannot be read as a kubeconfig: ${(error as Error).message.split('\n', 1)[0] ?? ''}`;
  }
}

/** The namespace of the pod, or of the kubeconfig's current context. */
export function namespaceOf(config: KubeConfig): string {
  return config.getContextObject(config.getCurrentContext())?.namespace ?? 'default';
}

/** Every method rejects on a lost connection; answers of any status are values. May be used concurrently. */
export class ApiClient {
  readonly #config: KubeConfig;
  readonly #server: string;
  #credentials: Promise<Credentials> | null = null;

  /** Throws if the kubeconfig names no cluster. */
  constructor(config: KubeConfig) {
    const cluster = config.getCurrentCluster();
    if (cluster === null) throw new Error('the kubeconfig has no current cluster');
    this.#config = config;
    this.#server = cluster.server.replace(/\/$/, '');
    // client-node refuses plain HTTP unless TLS verification is off; without TLS this has no effect.
    if (cluster.server.startsWith('http:')) config.clusters = config.clusters.map((c) => ({ ...c, skipTLSVerify: true }));
  }

  /** One request with its complete answer. After a 401 it reads the credentials again and repeats the request once. */
  async call(call: ApiCall): Promise<ApiReply> {
    const reply = await this.#callOnce(call);
    if (reply.status !== 401) return reply;
    await this.#dropCredentials();
    return this.#callOnce(call);
  }

  /** Like `call`, but rejects with an ApiError if the answer is no success. */
  async ask(call: ApiCall): Promise<unknown> {
    const { status, body } = await this.call(call);
    if (status < 200 || status > 299) throw new ApiError(status, body);
    return body;
  }

  /** A watch. Its chunks end, or reject, with the server, the network or the signal. */
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

  /** Closes every connection. */
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
    // An expired token is read again at once; the delay limits the reads if the server refuses every token.
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
    // Running requests keep the connections of the old certificate.
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

/** Parsed JSON, or the text if it is not JSON: an API server answers with text if it does not know the group. */
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
