// Where the keys of an issuer come from: a document at a URL or at a backend, or an entry of a Secret or ConfigMap.
import { hash } from 'node:crypto';
import { parseKeys, secretKeys, type KeySet } from '#lib/jose/key-set.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { DataReference } from '../../../exchange/object-data.ts';
import { maxAgeOf, type DocumentHandle, type LoadedDocument } from '../../../exchange/outside.ts';
import type { ExchangeTrace } from '../../../exchange/tracing.ts';
import type { FilterDependencies } from '../../filter.ts';

/** The settings of one source; exactly one of uri, backendRef, keys and secret is set. */
export interface KeySettings {
  readonly uri?: string;
  readonly ca?: DataReference;
  readonly backendRef?: { readonly cluster: string };
  readonly path?: string;
  readonly keys?: DataReference;
  readonly secret?: DataReference;
}

/** The keys of an issuer, now. */
export interface KeySource {
  /** Null while there are none. */
  readonly keys: KeySet | null;
  /** Resolves when newer keys are there, if there may be any. `trace`: of the exchange that waits for them. */
  refresh(trace: ExchangeTrace | null): Promise<void>;
  onChange(listener: () => void): () => void;
  close(): void;
}

export type KeySourceDependencies = Pick<FilterDependencies, 'data' | 'ask' | 'outside'>;

/** Less than an exchange waits for its filters. */
const TIMEOUT_MS = 3_000;
const MAX_BYTES = 1_048_576;
const ACCEPT = 'application/jwk-set+json, application/json';

/** The source of these settings; one without keys if they name none. */
export function keySource(settings: KeySettings, dependencies: KeySourceDependencies): KeySource {
  const { uri, backendRef, keys, secret } = settings;
  if (uri !== undefined) return documentSource(ofUrl(uri, settings.ca, dependencies), dependencies);
  if (backendRef !== undefined) return documentSource(ofBackend(backendRef.cluster, settings.path, dependencies), dependencies);
  if (secret !== undefined) return entrySource(secret, secretKeys, dependencies);
  return keys === undefined ? NONE : entrySource(keys, (bytes) => parseKeys(bytes.toString('utf8')), dependencies);
}

const NONE: KeySource = { keys: null, refresh: () => Promise.resolve(), onChange: () => () => undefined, close: () => undefined };

interface Origin {
  readonly key: string;
  readonly read: (
    trace: ExchangeTrace | null,
  ) => Promise<Result<{ readonly status: number; readonly body: Buffer; readonly cacheControl: string | undefined }>>;
}

function ofUrl(url: string, ca: DataReference | undefined, { data, outside }: KeySourceDependencies): Origin {
  const authorities = ca === undefined ? null : data.handle(ca);
  return {
    key: JSON.stringify(['jwks', url, ca ?? null]),
    read: async (trace) => {
      const pem = authorities === null ? '' : authorities.value?.toString('utf8');
      if (pem === undefined) return err('cannot be asked without its CA');
      const answer = await outside.ask({ url, ca: pem, headers: { accept: ACCEPT }, timeout: TIMEOUT_MS, maxBytes: MAX_BYTES, trace });
      if (!answer.ok) return answer;
      const { status, body, headers } = answer.value;
      return ok({ status, body, cacheControl: headers['cache-control'] });
    },
  };
}

function ofBackend(cluster: string, path = '/.well-known/jwks.json', { ask }: KeySourceDependencies): Origin {
  const [, namespace = '', name = ''] = cluster.split('/');
  const request = { method: 'GET', path, authority: `${name}.${namespace}`, headers: ['accept', ACCEPT], body: null };
  return {
    key: JSON.stringify(['jwks', cluster, path]),
    read: async (trace) => {
      const answer = await ask(cluster, { ...request, timeout: TIMEOUT_MS, maxAnswerBytes: MAX_BYTES, trace });
      if (!('body' in answer)) return err(answer.code);
      const at = answer.headers.findIndex((text, i) => i % 2 === 0 && text === 'cache-control');
      return ok({ status: answer.status, body: answer.body, cacheControl: at === -1 ? undefined : answer.headers[at + 1] });
    },
  };
}

function documentSource({ key, read }: Origin, { outside }: KeySourceDependencies): KeySource {
  const load = async (trace: ExchangeTrace | null = null): Promise<Result<LoadedDocument<KeySet>>> => {
    const answer = await read(trace);
    if (!answer.ok) return answer;
    const { status, body, cacheControl } = answer.value;
    if (status !== 200) return err(`answers ${status}`);
    const keys = parseKeys(body.toString('utf8'));
    return keys.ok ? ok({ value: keys.value, digest: hash('sha256', body), maxAge: maxAgeOf(cacheControl) }) : keys;
  };
  const handle: DocumentHandle<KeySet> = outside.documents.open({ key, load });
  return {
    get keys() {
      return handle.value;
    },
    refresh: (trace) => handle.refresh(trace),
    onChange: (listener) => handle.onChange(listener),
    close: () => handle.close(),
  };
}

/** Parses an entry again after each change. */
function entrySource(reference: DataReference, parse: (bytes: Buffer) => Result<KeySet>, { data }: KeySourceDependencies): KeySource {
  const handle = data.handle(reference);
  const stops: (() => void)[] = [];
  const read = (): KeySet | null => {
    const result = handle.value === null ? null : parse(handle.value);
    return result?.ok === true ? result.value : null;
  };
  let keys = read();
  const onChange = (listener: () => void): (() => void) => {
    const stop = handle.onChange(listener);
    stops.push(stop);
    return stop;
  };
  onChange(() => (keys = read()));
  return {
    get keys() {
      return keys;
    },
    refresh: () => Promise.resolve(),
    onChange,
    close: () => stops.forEach((stop) => stop()),
  };
}
