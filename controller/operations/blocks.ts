// The resource /blocks: requests that operators block at all proxies, and the blocks that threat detection of the proxies has made.
import { Type, type Static } from '#lib/typebox.ts';
import { closed, DURATION_FORM, DURATION_RULES } from '#api/k8s/schema.ts';
import { MAX_DETECTED, MAX_NAME } from '#api/wire/telemetry-limits.ts';
import type { DetectedBlock } from '#api/wire/telemetry-messages.ts';
import { parseBlockSubject } from '#lib/block-subject.ts';
import { formatDuration, parseDuration } from '#lib/duration.ts';
import { fits } from '#lib/json-schema.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { Fleet } from '../telemetry/fleet.ts';
import { COMMAND_MS } from '../telemetry/hub.ts';
import type { Override } from '../telemetry/overrides.ts';
import type { CommandAnswer } from './fleet.ts';
import { invalid, operation, type Operation, type Outcome, type Problem } from './operation.ts';

/** The shortest and the longest time of a block with an end, milliseconds: 365 days. */
const MIN_TTL = 1_000;
const MAX_TTL = 365 * 24 * 3_600_000;
/** Blocks of threat detection in an answer. */
const MAX_LISTED = 10_000;

const Source = Type.String({ minLength: 1, maxLength: 512 });
const NewBlock = closed({
  source: Source,
  reason: Type.String({
    default: '',
    maxLength: 128,
    pattern: '^[^\\p{Cc}\\p{Cf}\\u2028\\u2029]*$',
    '~must': 'text without control characters',
  }),
  ttl: Type.Optional(Type.String({ ...DURATION_RULES, '~must': DURATION_FORM })),
});
const Removal = closed({ source: Source });

/** What proxies answer; they may be of another release. */
const DetectedBlocks = Type.Array(
  Type.Object({
    ...{
      source: Type.String({ maxLength: MAX_NAME }),
      policy: Type.String({ maxLength: MAX_NAME }),
      cause: Type.String({ maxLength: 64 }),
    },
    ...{ score: Type.Number({ minimum: 0 }), until: Type.Integer({ minimum: 0, maximum: 8.64e15 }) },
    origin: Type.Optional(Type.String({ maxLength: MAX_NAME })),
  }),
  { maxItems: MAX_DETECTED },
);

/** A block in an answer. */
export interface ShownBlock {
  /** ADDRESS, PREFIX, principal:ID or consumer:NAMESPACE/NAME. */
  readonly source: string;
  readonly by: 'operator' | 'threats';
  /** The policy of threat detection; '' for an operator: all requests. */
  readonly policy: string;
  /** The words of the operator, or the number that the source has reached. */
  readonly reason: string;
  /** Null for an operator. */
  readonly score: number | null;
  /** ISO 8601; null: no end. */
  readonly expires: string | null;
  /** The proxy whose threat detection has made it; '' for an operator. */
  readonly origin: string;
  /** The proxies that block it; empty for an operator: all. */
  readonly proxies: readonly string[];
}

/** The answer of `GET /blocks`. */
export interface ShownBlocks {
  readonly blocks: readonly ShownBlock[];
  /** Sentences about what the list lacks. */
  readonly notes: readonly string[];
}

/** The operations of /blocks. */
export function blocks(fleet: Fleet): readonly Operation[] {
  return [
    operation('GET /blocks', closed({}), async () => ok(await list(fleet))),
    operation('PUT /blocks', NewBlock, (input) => add(fleet, input)),
    operation('DELETE /blocks', Removal, ({ source }) => {
      const subject = subjectOf(source);
      return subject.ok ? tell(fleet, overrideOf(subject.value, 'auto')) : Promise.resolve(subject);
    }),
  ];
}

function add(fleet: Fleet, { source, reason, ttl }: Static<typeof NewBlock>): Promise<Outcome> {
  const subject = subjectOf(source);
  if (!subject.ok) return Promise.resolve(subject);
  const length = ttl === undefined ? 0 : millisecondsOf(ttl);
  if (ttl !== undefined && (length < MIN_TTL || length > MAX_TTL))
    return Promise.resolve(invalid([{ field: 'ttl', reason: `must be from ${formatDuration(MIN_TTL)} to ${formatDuration(MAX_TTL)}` }]));
  const block = overrideOf(subject.value, 'on');
  return tell(fleet, { ...block, reason, until: length === 0 ? 0 : block.at + length });
}

function overrideOf(endpoint: string, state: 'on' | 'auto'): Override {
  return { kind: 'block', backend: '', endpoint, state, at: Date.now() };
}

async function tell(fleet: Fleet, override: Override): Promise<Outcome> {
  const ends = await fleet.override(override);
  return ends.ok ? ok({ proxies: ends.value } satisfies CommandAnswer) : err({ status: 409, detail: ends.error });
}

function subjectOf(source: string): Result<string, Problem> {
  const subject = parseBlockSubject(source);
  return subject.ok ? ok(subject.value.text) : invalid([{ field: 'source', reason: subject.error }]);
}

function millisecondsOf(duration: string): number {
  const parsed = parseDuration(duration);
  return parsed.ok ? parsed.value : 0;
}

async function list(fleet: Fleet): Promise<ShownBlocks> {
  const detected = new Detected();
  const chunk = (proxy: string, data: Buffer): void => detected.take(proxy, data);
  const { signal } = new AbortController();
  const action = { action: 'blocks' as const, blocks: {} };
  const ends = await fleet.command({ action, deadlineMs: COMMAND_MS, proxies: null, chunk, signal });
  const silent = ends.filter(({ outcome }) => outcome !== 'done');
  const notes = silent.map(({ proxy, reason }) => `the proxy ${proxy} does not tell the blocks of its threat detection: ${reason}`);
  return { blocks: [...fleet.blocks().map(shownOverride), ...detected.shown], notes: [...notes, ...detected.notes] };
}

function shownOverride({ endpoint: source, reason = '', until = 0 }: Override): ShownBlock {
  const expires = until === 0 ? null : new Date(until).toISOString();
  return { source, by: 'operator', policy: '', reason, score: null, expires, origin: '', proxies: [] };
}

/** A block with the proxy that has made it. */
type Listed = DetectedBlock & { readonly origin: string };

/** The blocks of threat detection: those of the same source by the same policy at several proxies together. */
class Detected {
  readonly #byKey = new Map<string, { readonly block: Listed; readonly proxies: string[] }>();
  #excess = 0;

  take(proxy: string, data: Buffer): void {
    for (const told of parsed(data)) {
      const block = { ...told, origin: told.origin === undefined || told.origin === '' ? proxy : told.origin };
      const key = JSON.stringify([block.policy, block.source]);
      const known = this.#byKey.get(key);
      if (known === undefined && this.#byKey.size >= MAX_LISTED) this.#excess++;
      else this.#byKey.set(key, { block: latest(known?.block, block), proxies: [...(known?.proxies ?? []), proxy] });
    }
  }

  get shown(): readonly ShownBlock[] {
    return [...this.#byKey.values()].map(({ block: { source, policy, cause, score, until, origin }, proxies }) => {
      const expires = new Date(until).toISOString();
      return { source, by: 'threats', policy, reason: cause, score, expires, origin, proxies };
    });
  }

  get notes(): readonly string[] {
    return this.#excess === 0 ? [] : [`${this.#excess} more blocks of threat detection are not listed`];
  }
}

function latest(one: Listed | undefined, other: Listed): Listed {
  return one !== undefined && one.until > other.until ? one : other;
}

function parsed(data: Buffer): readonly DetectedBlock[] {
  try {
    const value: unknown = JSON.parse(data.toString());
    return fits(DetectedBlocks, value) ? value : [];
  } catch {
    return [];
  }
}
