// Services outside of the route table that filters ask by URL, and documents that they keep: key sets, metadata. Implemented by outside/.
import { err, ok, type Result } from '#lib/result.ts';
import type { ExchangeTrace } from './tracing.ts';

/** A request to a service. */
export interface OutsideRequest {
  /** Of http or https. */
  readonly url: string;
  /** GET by default. */
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The CA certificates of the service, PEM; those of the platform by default. */
  readonly ca?: string;
  /** Milliseconds for everything; 5 s by default. */
  readonly timeout?: number;
  /** The largest answer; 1 MiB by default. */
  readonly maxBytes?: number;
  /** Gives up; usually that of the exchange. */
  readonly signal?: AbortSignal;
  /** Of the exchange that the request is for; absent or null: it has no span. The service learns nothing of the trace. */
  readonly trace?: ExchangeTrace | null;
}

/** An answer, whatever its status. Redirects are not followed. */
export interface OutsideAnswer {
  readonly status: number;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** A document as its source has it now. */
export interface LoadedDocument<T> {
  readonly value: T;
  /** Equal for equal values. */
  readonly digest: string;
  /** How long the source permits to use it without a question, milliseconds; null if it does not say. */
  readonly maxAge: number | null;
}

/** The origin of a document. */
export interface DocumentSource<T> {
  /** Equal for the same document with the same type of value: filters with equal keys share the document. */
  readonly key: string;
  /** Resolves to the document, or to the reason why there is none; never rejects. `trace`: of the exchange that waits for it. */
  readonly load: (trace?: ExchangeTrace | null) => Promise<Result<LoadedDocument<T>>>;
}

/** A document in use. */
export interface DocumentHandle<T> {
  /** The last value, also while the source is away; null before the first one, and a day after the source went away. */
  readonly value: T | null;
  /** Why the last load gave no value; '' if it gave one. */
  readonly problem: string;
  /** Resolves after a load that is under way, or that begins now because the last one began long enough ago: for the exchange with the trace. */
  refresh(trace?: ExchangeTrace | null): Promise<void>;
  /** Calls the listener after each change of the value, until the returned function is called. */
  onChange(listener: () => void): () => void;
  /** The document is no longer needed here. */
  close(): void;
}

/** The documents of a worker. They outlive filters, so that a rebuilt filter has its keys at once. */
export interface Documents {
  open<T>(source: DocumentSource<T>): DocumentHandle<T>;
}

/** Services and documents of a worker. */
export interface Outside {
  /** Resolves to the answer, or to the reason why there is none, which completes "<service> ..."; never rejects. */
  ask(request: OutsideRequest): Promise<Result<OutsideAnswer>>;
  readonly documents: Documents;
}

/** The body of an answer as JSON. */
export function parseJson(body: Buffer): Result<unknown> {
  try {
    return ok(JSON.parse(body.toString('utf8')));
  } catch {
    return err('answers with invalid JSON');
  }
}

/** The lifetime that Cache-Control gives to an answer, milliseconds; null if it gives none. */
export function maxAgeOf(cacheControl: string | undefined): number | null {
  const seconds = /(?:^|[\s,])max-age="?(\d{1,9})/i.exec(cacheControl ?? '')?.[1];
  return seconds === undefined ? null : Number(seconds) * 1_000;
}
