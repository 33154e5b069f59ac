// Reads messages of plugins. A plugin may change everything in its isolate, also the code that makes the messages.
import { PLUGIN_LOG_LEVELS, type Changes, type FromPlugin, type PluginLogLevel } from './message.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The message, with its known fields only; null if it is none. */
export function parseMessage(text: string): FromPlugin | null {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof fields !== 'object' || fields === null) return null;
  const read = READERS.get((fields as Fields)['type'] as string);
  return read === undefined ? null : read(fields as Fields);
}

const READERS: ReadonlyMap<string, (fields: Fields) => FromPlugin | null> = new Map([
  ['done', readDone],
  ['failed', readFailed],
  ['ask', readAsk],
  ['count', readCount],
  ['log', readLog],
  ['metric', readMetric],
  ['gauge', readGauge],
  ['observed', readObserved],
]);

function readDone({ call, changes }: Fields): FromPlugin | null {
  if (!isNumber(call)) return null;
  if (changes === null) return { type: 'done', call, changes: null };
  const read = typeof changes === 'object' ? readChanges(changes as Fields) : null;
  return read === null ? unreadable(call) : { type: 'done', call, changes: read };
}

function unreadable(call: number): FromPlugin {
  return { type: 'failed', call, reason: 'the result of the hook cannot be read' };
}

function readFailed({ call, reason }: Fields): FromPlugin | null {
  return isNumber(call) ? { type: 'failed', call, reason: plain(reason, 500) } : null;
}

function readAsk({ op, backend, method, path, headers, timeout, isGrpc }: Fields): FromPlugin | null {
  if (!isNumber(op) || !isList(headers)) return null;
  if (typeof backend !== 'string' || typeof method !== 'string' || typeof path !== 'string') return null;
  const more = { ...(isNumber(timeout) ? { timeout } : {}), ...(isGrpc === true ? { isGrpc } : {}) };
  return { type: 'ask', op, backend, method, path, headers, ...more };
}

function readCount({ op, name, by }: Fields): FromPlugin | null {
  if (!isNumber(op) || typeof name !== 'string' || !isNumber(by)) return null;
  return { type: 'count', op, name: name.slice(0, 200), by };
}

function readLog({ level, message }: Fields): FromPlugin | null {
  if (!PLUGIN_LOG_LEVELS.includes(level as PluginLogLevel)) return null;
  return { type: 'log', level: level as PluginLogLevel, message: plain(message, 1_024) };
}

function readMetric({ name, by }: Fields): FromPlugin | null {
  return typeof name === 'string' && isNumber(by) ? { type: 'metric', name, by } : null;
}

function readGauge({ name, value }: Fields): FromPlugin | null {
  return typeof name === 'string' && isNumber(value) ? { type: 'gauge', name, value } : null;
}

function readObserved({ name, values }: Fields): FromPlugin | null {
  if (typeof name !== 'string' || !Array.isArray(values) || !values.every(isNumber)) return null;
  return { type: 'observed', name, values };
}

/** The form of each change. */
const FORMS: readonly (readonly [name: keyof Changes, hasForm: (value: unknown) => boolean])[] = [
  ['method', isText],
  ['authority', isText],
  ['path', isText],
  ['query', isText],
  ['status', isNumber],
  ['requestHeaders', isList],
  ['responseHeaders', isList],
  ['reply', isReply],
  ['replaces', (value) => value === true],
  ['trailers', isList],
];

/** The known changes; null if one of them has another form. */
function readChanges(fields: Fields): Changes | null {
  const given = FORMS.filter(([name]) => fields[name] !== undefined);
  if (!given.every(([name, hasForm]) => hasForm(fields[name]))) return null;
  return Object.fromEntries(given.map(([name]) => [name, fields[name]]));
}

function isReply(reply: unknown): boolean {
  if (typeof reply !== 'object' || reply === null) return false;
  const { status, headers, grpcStatus } = reply as Fields;
  return isNumber(status) && isList(headers) && (grpcStatus === undefined || isNumber(grpcStatus));
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/** Names and values in turn. */
function isList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length % 2 === 0 && value.every((each) => typeof each === 'string');
}

/** A line without control characters, for the log. */
function plain(value: unknown, maxLength: number): string {
  return typeof value === 'string' ? value.slice(0, maxLength).replace(/[\x00-\x1f\x7f]/g, ' ') : 'no text';
}
