// An answer in the store.
import type { AnswerDirectives, Directives } from './directives.ts';
import { answerDirectives, secondsOf } from './directives.ts';
import type { FreshnessTerms } from './freshness.ts';
import { initialAge, lifetimeOf } from './freshness.ts';
import { isForEveryone } from './storing.ts';
import type { StoredTerms } from './reuse.ts';
import { tagsOf } from './tags.ts';
import { variantOf, varyNames } from './vary.ts';

/** Where an answer belongs. */
export interface AnswerPlace {
  /** Of all requests that may have it, apart from Vary. */
  readonly key: string;
  /** As clients ask for it: what purges name. */
  readonly url: string;
}

/** The head of an answer of a backend, and when it came. Milliseconds since the epoch. */
export interface AnswerHead {
  readonly status: number;
  readonly headers: readonly string[];
  readonly requestedAt: number;
  readonly receivedAt: number;
}

export interface StoredAnswer extends StoredTerms, AnswerPlace {
  readonly status: number;
  /** Without the fields of the connection that it came on. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  readonly varyNames: readonly string[];
  readonly variant: string;
  /** Seconds, and when it had that age, milliseconds since the epoch. */
  readonly initialAge: number;
  readonly receivedAt: number;
  /** Callers with credentials may have it too. */
  readonly isForEveryone: boolean;
  readonly tags: readonly string[];
  readonly directives: Directives;
}

/** Fields that hold for one connection, or that each use replaces. The codec has taken out those that Connection names. */
const DROPPED = new Set([
  ...['age', 'proxy-authenticate', 'proxy-authentication-info', 'proxy-authorization'],
  ...['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'content-length'],
]);

/** The fields that are stored (RFC 9111 section 3.1). */
export function storedHeaders(headers: readonly string[]): readonly string[] {
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2)
    if (!DROPPED.has(headers[i] as string)) kept.push(headers[i] as string, headers[i + 1] as string);
  return kept;
}

/** An answer as it is stored; `told`: its directives. An answer without a lifetime has to be validated before each use. */
export function storedAnswer(
  place: AnswerPlace,
  { status, headers, requestedAt, receivedAt }: AnswerHead,
  body: Buffer,
  { requestHeaders, terms }: { readonly requestHeaders: readonly string[]; readonly terms: FreshnessTerms },
): StoredAnswer {
  const told = answerDirectives(headers);
  const { directives } = told;
  const names = varyNames(headers) ?? [];
  return {
    ...place,
    ...{ status, body, directives, receivedAt },
    headers: storedHeaders(headers),
    varyNames: names,
    variant: variantOf(names, requestHeaders),
    initialAge: initialAge(headers, requestedAt, receivedAt),
    lifetime: lifetimeOf(status, headers, told, terms)?.seconds ?? 0,
    staleWhileRevalidate: secondsOf(directives, 'stale-while-revalidate') ?? terms.staleWhileRevalidate,
    staleIfError: secondsOf(directives, 'stale-if-error') ?? terms.staleIfError,
    isForEveryone: isForEveryone(directives),
    tags: tagsOf(headers),
  };
}

/** Seconds (RFC 9111 section 4.2.3); `now`: milliseconds since the epoch. */
export function ageOf({ initialAge: initial, receivedAt }: StoredAnswer, now: number): number {
  return initial + Math.max(0, now - receivedAt) / 1_000;
}

/** Whether an answer is worth storing: it is fresh for a time, or the backend can confirm it later. */
export function isUseful(status: number, headers: readonly string[], told: AnswerDirectives, terms: FreshnessTerms): boolean {
  const lifetime = lifetimeOf(status, headers, told, terms);
  const canConfirm = headers.some((name, i) => i % 2 === 0 && (name === 'etag' || name === 'last-modified'));
  if (told.directives.has('no-cache')) return canConfirm;
  return lifetime !== null && (lifetime.seconds > 0 || canConfirm);
}
