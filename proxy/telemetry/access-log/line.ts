// Compiles a format of the access log to a list of writers. A line is the concatenation of their texts.
import type { LogFormat, TemplatePart } from '#api/access-log/format.ts';
import type { Redactor } from '#lib/redaction/redactor.ts';
import { BARE_ESCAPES, escaperOf, JSON_ESCAPES, QUOTED_ESCAPES, redactingEscaperOf } from './escape.ts';
import type { Escapes } from './escape.ts';
import { millis } from './moment.ts';
import type { Moment } from './moment.ts';

/** The size of one write and of the longest line. A pipe writes this size atomically (PIPE_BUF), so workers never mix their lines. */
export const WRITE_BYTES = 4_096;

/**
 * Reads the value of a field; null means no value. `safe` is short text of the proxy itself, and `moment` is a time. Other texts come
 * from peers; `long` texts get more room. `varied` values usually differ from those of the previous line.
 */
export type Reader<Source> = TextReader<Source> | NumberReader<Source> | BooleanReader<Source>;

interface TextReader<Source> {
  readonly kind: 'safe' | 'text' | 'long' | 'body' | 'varied' | 'detail' | 'moment';
  /** The text may have secrets, which are hidden: the name of the header that it is from, in lower case; '' for others. */
  readonly secrets?: string;
  readonly read: (source: Source, moment: Moment) => string | null;
}

interface NumberReader<Source> {
  readonly kind: 'number' | 'varied-number' | 'ms';
  readonly read: (source: Source, moment: Moment) => number | null;
}

interface BooleanReader<Source> {
  readonly kind: 'boolean';
  readonly read: (source: Source, moment: Moment) => boolean | null;
}

type Kind = Reader<never>['kind'];

/** The reader of a field, or null if the source lacks the field. */
export type ReaderOf<Source> = (field: string) => Reader<Source> | null;

type Write<Source> = (source: Source, moment: Moment) => string;
type Value = string | number | boolean | null;

/** The most characters of texts. */
interface Rooms {
  readonly long: number;
  readonly text: number;
  readonly detail: number;
  readonly body: number;
}

const ROOMS: readonly Rooms[] = [
  { long: 512, text: 256, detail: 96, body: 2_048 },
  // If a line is too long.
  { long: 256, text: 96, detail: 96, body: 512 },
];
/** What decides about the texts of a line. */
interface Terms {
  readonly rooms: Rooms;
  readonly redactor: Redactor;
}

/** The most bytes of names, numbers and texts of the proxy itself in a line. */
const FIXED_BYTES = 3_000;
const SAFE_BYTES = 72;

/** Makes the lines of one kind of source. */
export function compileLine<Source>(format: LogFormat, readerOf: ReaderOf<Source>, redactor: Redactor): Write<Source> {
  const count = format.kind === 'json' ? format.fields.length : format.parts.length;
  const least = Math.max(1, Math.floor(((WRITE_BYTES - FIXED_BYTES) / count - 3) / 2));
  const levels = [...ROOMS, { long: least, text: least, detail: least, body: least }].map((rooms) =>
    lineOf(format, readerOf, { rooms, redactor }),
  );
  const [usual] = levels as [Write<Source>];
  return (source, moment) => {
    const line = usual(source, moment);
    // A UTF-16 unit takes at most three bytes in UTF-8.
    return line.length * 3 <= WRITE_BYTES || Buffer.byteLength(line) <= WRITE_BYTES ? line : shorter(levels, source, moment);
  };
}

function shorter<Source>(levels: readonly Write<Source>[], source: Source, moment: Moment): string {
  let line = '';
  for (const write of levels) {
    line = write(source, moment);
    if (Buffer.byteLength(line) <= WRITE_BYTES) return line;
  }
  // A template with the same fields many times.
  return `${line.slice(0, Math.floor((WRITE_BYTES - 1) / 3))}\n`;
}

function lineOf<Source>(format: LogFormat, readerOf: ReaderOf<Source>, terms: Terms): Write<Source> {
  return format.kind === 'json' ? jsonLine(format.fields, readerOf, terms) : textLine(format.parts, readerOf, terms);
}

/** A field with its position. */
interface Piece<Source> {
  readonly reader: Reader<Source>;
  /** Writes the value with the text around it, or the placeholder of a missing value. */
  readonly write: (value: Value) => string;
}

function jsonLine<Source>(fields: readonly string[], readerOf: ReaderOf<Source>, terms: Terms): Write<Source> {
  // The time always has a value, so each further field begins with a comma.
  const begins = fields[0] === 'time';
  const pieces = fields.flatMap((name, index) => {
    const reader = readerOf(name);
    const before = `${begins && index === 0 ? '{' : ','}${JSON.stringify(name)}:`;
    return reader === null ? [] : [{ reader, write: jsonValue(before, reader, terms) }];
  });
  const writers = writersOf(pieces);
  return (source, moment) => {
    let line = '';
    for (let i = 0; i < writers.length; i++) line += (writers[i] as Write<Source>)(source, moment);
    return begins ? `${line}}\n` : `{${line.slice(1)}}\n`;
  };
}

function jsonValue(before: string, reader: Reader<never>, terms: Terms): Piece<never>['write'] {
  const { kind } = reader;
  if (!isText(kind)) return (value) => (value === null ? '' : before + numberText(kind, value));
  const escape = escapeOf(reader, JSON_ESCAPES, terms);
  return (value) => (value === null || value === '' ? '' : `${before}"${escape(value as string)}"`);
}

function textLine<Source>(parts: readonly TemplatePart[], readerOf: ReaderOf<Source>, terms: Terms): Write<Source> {
  const pieces: Piece<Source>[] = [];
  let before = '';
  let quoted = false;
  for (const part of parts) {
    if ('literal' in part) {
      before += part.literal;
      if (part.literal.split('"').length % 2 === 0) quoted = !quoted;
      continue;
    }
    const reader = readerOf(part.field) ?? NOTHING;
    pieces.push({
      reader,
      write: templateValue(before, reader.kind, escapeOf(reader, quoted ? QUOTED_ESCAPES : BARE_ESCAPES, terms)),
    });
    before = '';
  }
  const writers = writersOf(pieces);
  const end = `${before}\n`;
  return (source, moment) => {
    let line = '';
    for (let i = 0; i < writers.length; i++) line += (writers[i] as Write<Source>)(source, moment);
    return line + end;
  };
}

const ABSENT = '-';
const NOTHING = { kind: 'safe', read: () => null } as const;

function templateValue(before: string, kind: Kind, escape: (text: string) => string): Piece<never>['write'] {
  return (value) => {
    if (value === null || value === '') return before + ABSENT;
    return before + (isText(kind) ? escape(value as string) : numberText(kind, value));
  };
}

function isText(kind: Kind): boolean {
  return kind !== 'number' && kind !== 'varied-number' && kind !== 'ms' && kind !== 'boolean';
}

function numberText(kind: Kind, value: Value): string {
  return kind === 'ms' ? millis(value as number) : String(value);
}

function escapeOf(reader: Reader<never>, escapes: Escapes, { rooms, redactor }: Terms): (text: string) => string {
  const { kind } = reader;
  if (kind === 'moment') return (text) => text;
  const room = roomFor(kind, rooms);
  const secrets = 'secrets' in reader ? reader.secrets : undefined;
  if (secrets === undefined) return escaperOf(escapes, room);
  if (!redactor.hides(secrets)) return redactingEscaperOf(escapes, room, redactor);
  const escape = escaperOf(escapes, room);
  return (text) => escape(redactor.header(secrets, text));
}

function roomFor(kind: Kind, rooms: Rooms): number {
  if (kind === 'text' || kind === 'detail' || kind === 'body') return rooms[kind];
  return kind === 'long' || kind === 'varied' ? rooms.long : SAFE_BYTES;
}

const VARIED: ReadonlySet<Kind> = new Set(['body', 'varied', 'varied-number', 'ms', 'moment']);

/** Adjacent fields that rarely change from line to line share a writer. */
function writersOf<Source>(pieces: readonly Piece<Source>[]): Write<Source>[] {
  const writers: Write<Source>[] = [];
  let steady: Piece<Source>[] = [];
  const endSteady = (): void => {
    if (steady.length > 0) writers.push(steadyWriter(steady));
    steady = [];
  };
  for (const piece of pieces) {
    if (!VARIED.has(piece.reader.kind)) {
      steady.push(piece);
      continue;
    }
    endSteady();
    writers.push(piece.reader.kind === 'moment' ? steadyWriter([piece]) : variedWriter(piece));
  }
  endSteady();
  return writers;
}

function variedWriter<Source>({ reader: { read }, write }: Piece<Source>): Write<Source> {
  return (source, moment) => write(read(source, moment));
}

/** Reuses the text of the previous line unless a value differs, so that a line concatenates few texts. */
function steadyWriter<Source>(pieces: readonly Piece<Source>[]): Write<Source> {
  const reads = pieces.map(({ reader }) => reader.read as (source: Source, moment: Moment) => Value);
  const last: Value[] = pieces.map(() => null);
  const texts = pieces.map(({ write }) => write(null));
  let written = texts.join('');
  return (source, moment) => {
    let same = true;
    for (let i = 0; i < reads.length; i++) {
      const value = (reads[i] as (typeof reads)[number])(source, moment);
      if (value === last[i]) continue;
      last[i] = value;
      texts[i] = (pieces[i] as Piece<Source>).write(value);
      same = false;
    }
    if (!same) written = texts.join('');
    return written;
  };
}
