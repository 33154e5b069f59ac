// The operation that fills caches: the proxies request URLs through their routes.
import { Type, type Static } from '#lib/typebox.ts';
import { isWarmLine, worse, type WarmLine } from '#api/wire/warmed-urls.ts';
import {
  MAX_CACHE_SUBJECT,
  MAX_NAME,
  MAX_WARM_CONCURRENCY,
  MAX_WARM_HEADERS,
  MAX_WARM_RATE,
  MAX_WARMED_URLS,
} from '#api/wire/telemetry-limits.ts';
import { ok } from '#lib/result.ts';
import type { Fleet } from '../telemetry/fleet.ts';
import type { ProxyEnd } from '../telemetry/hub.ts';
import { commandLines } from './command-lines.ts';
import { invalid, operation, type Operation, type Outcome } from './operation.ts';

/** The time of a proxy for the URLs of one call, milliseconds. */
const WARM_MS = 120_000;
/** A header name (RFC 9110 section 5.1), and a value without control characters. */
const NAME = "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$";
const VALUE = '^[\\t\\x20-\\x7e]*$';
/** Headers that belong to a connection or a message, that proxies set, or with which nothing is stored. */
const REFUSED =
  /^(host|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|content-.*|expect|range|if-.*|forwarded|x-forwarded-.*|via|authorization|cookie)$/i;

const Subject = Type.String({ minLength: 1, maxLength: MAX_CACHE_SUBJECT });
const WarmInput = Type.Object(
  {
    urls: Type.Array(Subject, { minItems: 1, maxItems: MAX_WARMED_URLS }),
    headers: Type.Array(
      Type.Object(
        {
          name: Type.String({ pattern: NAME, '~must': 'the name of a header' }),
          value: Type.String({ maxLength: MAX_NAME, pattern: VALUE, '~must': 'text of ASCII without control characters' }),
        },
        { additionalProperties: false },
      ),
      { maxItems: MAX_WARM_HEADERS, default: [] },
    ),
    /** Of the listener; 0: that of each URL. */
    port: Type.Integer({ minimum: 0, maximum: 65_535, default: 0 }),
    concurrency: Type.Integer({ minimum: 1, maximum: MAX_WARM_CONCURRENCY, default: 4 }),
    /** Requests of a proxy per second. */
    rate: Type.Integer({ minimum: 1, maximum: MAX_WARM_RATE, default: 50 }),
  },
  { additionalProperties: false },
);

/** The result for a URL: the worst one of all workers and proxies. */
export interface WarmedUrl extends Omit<WarmLine, 'index'> {
  readonly url: string;
  /** '' if no proxy has told anything. */
  readonly proxy: string;
}

/** The answer of `POST /cache/warm`. */
export interface WarmedUrls {
  /** In the order of the call. */
  readonly urls: readonly WarmedUrl[];
  /** Proxies that have not done it. */
  readonly missing: readonly ProxyEnd[];
}

/** The fleet, as far as the operation needs it. */
export type WarmedFleet = Pick<Fleet, 'command' | 'proxies'>;

/** `POST /cache/warm`. */
export function cacheWarmOperation(fleet: WarmedFleet): Operation {
  return operation('POST /cache/warm', WarmInput, (input) => warm(fleet, input));
}

async function warm(fleet: WarmedFleet, input: Static<typeof WarmInput>): Promise<Outcome> {
  const { urls, headers, ...rest } = input;
  const refused = headers.findIndex(({ name }) => REFUSED.test(name));
  if (refused >= 0)
    return invalid([{ field: `headers[${refused}].name`, reason: 'must be a header that clients may choose, such as Accept' }]);
  const named = headers.flatMap(({ name, value }) => [name.toLowerCase(), value]);
  const worst = new Map<number, WarmLine & { readonly proxy: string }>();
  const missing: ProxyEnd[] = [];
  for (const proxies of await groupsOf(fleet)) {
    const action = { action: 'warmCache' as const, warmCache: { urls, headers: named, ...rest } };
    const ends = await commandLines(
      fleet,
      action,
      (proxy, line) => {
        if (isWarmLine(line)) worst.set(line.index, worse(worst.get(line.index), { ...line, proxy }));
      },
      { proxies, deadlineMs: WARM_MS },
    );
    missing.push(...ends.filter(({ outcome }) => outcome !== 'done'));
  }
  return ok({ urls: urls.map((url, index) => warmed(url, worst.get(index))), missing } satisfies WarmedUrls);
}

function warmed(url: string, line: (WarmLine & { readonly proxy: string }) | undefined): WarmedUrl {
  if (line === undefined) return { url, outcome: 'unrouted', status: 0, reason: 'no proxy has requested it', proxy: '' };
  const { outcome, status, reason, proxy } = line;
  return { url, outcome, status, reason, proxy };
}

/** One proxy of each scope, then the others: what the first ones store in Redis, the others find there. */
async function groupsOf(fleet: WarmedFleet): Promise<readonly (readonly string[])[]> {
  const first = new Map<string, string>();
  const others = new Set<string>();
  for (const { node, scope, state } of await fleet.proxies()) {
    if (state === 'away') continue;
    if (!first.has(scope)) first.set(scope, node);
    else if (first.get(scope) !== node) others.add(node);
  }
  return [[...first.values()], [...others]].filter((group) => group.length > 0);
}
