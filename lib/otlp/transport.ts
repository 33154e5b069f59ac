// One way to a collector: a request of OTLP out, and how it ended.
import type { Headers } from './headers.ts';
import type { Compression } from './settings.ts';

/** How a request ended. */
export type Delivery =
  /** The collector has it, but `rejected` records of it, for this reason. */
  | { readonly kind: 'delivered'; readonly rejected: number; readonly reason: string }
  /** Another attempt may succeed, after this time at the earliest; null: the collector names none. */
  | { readonly kind: 'failed'; readonly afterMs: number | null; readonly reason: string }
  /** Another attempt fails as well. */
  | { readonly kind: 'refused'; readonly reason: string };

export interface Transport {
  /** Sends the request. Resolves at the timeout at the latest, or when the signal is aborted; never rejects. */
  send(body: Buffer, headers: Headers, signal: AbortSignal): Promise<Delivery>;
  close(): void;
}

/** What a transport is made of. */
export interface TransportOptions {
  readonly url: string;
  readonly timeoutMs: number;
  readonly compression: Compression;
  readonly tls: TlsFiles;
}

/** PEM texts; '' for none. */
export interface TlsFiles {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** The most of an answer that is read: it has a number and a sentence. */
export const MAX_ANSWER_BYTES = 65_536;
