// A bundle of diagnostics: one document with what somebody needs who looks for the reason of a problem elsewhere, without secrets.
import { isDeeperThan, type JsonValue } from '#lib/canonical-json.ts';
import { KINDS, type KindName } from '#api/k8s/kinds.ts';
import type { MetricFamily } from '#lib/metric.ts';
import { REDACTED } from '#lib/redaction/redactor.ts';
import { WEIR_VERSION } from '#lib/version.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import { jsonOf } from '../audit/entry.ts';
import { withoutSecrets } from '../audit/redacted-state.ts';
import type { ConfigurationStore } from '../configuration/configuration-store.ts';
import { shownObject } from '../configuration/hidden-data.ts';
import { gathered, type Live } from '../live/live.ts';
import type { ShownSetting } from './setting.ts';

/** What a bundle is made of. */
export interface BundleParts {
  readonly settings: readonly ShownSetting[];
  readonly troubles: () => Readonly<Record<string, string>>;
  readonly configuration: ConfigurationStore | null;
  readonly audit: AuditLog;
  readonly live: Live;
  /** Lines of the log of this process. */
  readonly logLines: () => readonly string[];
  readonly families: () => readonly MetricFamily[];
}

/** Who asks, and until when. */
export interface BundleRequest {
  readonly caller: string;
  readonly signal: AbortSignal;
}

/** Characters of one section, so that the whole stays below 20 MB. */
const MAX_SECTION = 2 * 1_048_576;
const DEADLINE_MS = 10_000;
const PAGE = 200;
const AUDIT_ENTRIES = 200;
const MAX_LEVELS = 1_000;

/** What the bundle asks controllers, by the name of its section. */
const LIVE_SECTIONS = {
  status: 'GET /status',
  errors: 'GET /errors',
  alerts: 'GET /alerts',
  discovery: 'GET /discovery',
  pushSessions: 'GET /sessions',
} as const;

type Section = (parts: BundleParts, request: BundleRequest) => Promise<unknown>;

const SECTIONS: Readonly<Record<string, Section>> = {
  versions: () => Promise.resolve(versions()),
  settings: ({ settings }) => Promise.resolve(settings),
  troubles: ({ troubles }) => Promise.resolve(troubles()),
  controllers: ({ live }) => Promise.resolve(live.states()),
  ...Object.fromEntries(Object.entries(LIVE_SECTIONS).map(([name, operation]) => [name, liveSection(operation)])),
  configuration: ({ configuration }, { signal }) => objectsOf(configuration, signal),
  audit: ({ audit }) => entriesOf(audit),
  log: ({ logLines }) => Promise.resolve(logLines().map(parsed)),
  metrics: ({ families }) => Promise.resolve(Object.fromEntries(families().map(({ name, read }) => [name, read()]))),
};

/** The bundle as parts of one JSON document. A section that cannot be made has the reason in its place. */
export async function* bundleOf(parts: BundleParts, request: BundleRequest): AsyncGenerator<string> {
  yield `{"made":${JSON.stringify(new Date().toISOString())}`;
  for (const [name, section] of Object.entries(SECTIONS)) {
    if (request.signal.aborted) return;
    const value = await section(parts, request).catch((error: unknown) => ({ notMade: String(error) }));
    yield `,${JSON.stringify(name)}:${bounded(value)}`;
  }
  yield '}\n';
}

/** The text of a section, without secrets. Of a long list the end is kept. */
function bounded(value: unknown): string {
  const plain = JSON.parse(JSON.stringify(value) ?? 'null') as JsonValue;
  if (isDeeperThan(plain, MAX_LEVELS)) return JSON.stringify(REDACTED);
  if (!Array.isArray(plain)) {
    const text = JSON.stringify(withoutSecrets('', plain));
    return text.length <= MAX_SECTION ? text : JSON.stringify({ tooLarge: text.length });
  }
  const texts: string[] = [];
  let characters = 0;
  for (const entry of plain.toReversed() as readonly JsonValue[]) {
    const text = JSON.stringify(withoutSecrets(kindOf(entry), entry));
    characters += text.length + 1;
    if (characters > MAX_SECTION) break;
    texts.push(text);
  }
  return `[${texts.toReversed().join(',')}]`;
}

function kindOf(entry: JsonValue): string {
  const kind = typeof entry === 'object' && entry !== null && 'kind' in entry ? entry.kind : '';
  return typeof kind === 'string' ? kind : '';
}

function versions(): object {
  const { node, v8, openssl } = process.versions;
  const { rss, heapUsed } = process.memoryUsage();
  return { weir: WEIR_VERSION, node, v8, openssl, platform: process.platform, arch: process.arch, uptime: process.uptime(), rss, heapUsed };
}

function liveSection(operation: string): Section {
  return async ({ live }, { caller, signal }) => {
    const answer = await live.call({ operation, input: {}, caller, deadlineMs: DEADLINE_MS, signal });
    if (!answer.ok) return { notMade: answer.error.reason };
    const whole = await gathered(answer.value);
    return whole.ok ? whole.value : { notMade: whole.error };
  };
}

/** Objects of all kinds, up to one page of each. */
async function objectsOf(store: ConfigurationStore | null, signal: AbortSignal): Promise<unknown> {
  if (store === null) return [];
  const objects: unknown[] = [];
  for (const kind of Object.keys(KINDS) as KindName[]) {
    if (signal.aborted) break;
    const selector = { matchLabels: {}, matchExpressions: [] };
    const page = await store.list(kind, { namespace: null, selector, limit: PAGE, cursor: null });
    if (!page.ok) objects.push({ kind, notMade: page.error.detail });
    else
      objects.push(
        ...page.value.items.map(({ object }) => shownObject(object)),
        ...(page.value.next === null ? [] : [{ kind, more: true }]),
      );
  }
  return objects;
}

async function entriesOf(audit: AuditLog): Promise<unknown> {
  const page = await audit.list({}, null, AUDIT_ENTRIES);
  return page.ok ? page.value.items.map(jsonOf) : { notMade: page.error };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}
