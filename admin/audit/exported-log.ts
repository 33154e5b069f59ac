// The audit log as a file that can be verified without the program: lines of canonical JSON (RFC 8785). The first line has the places
// before the first and of the last entry, so that a file that was cut off is found; each other line is an entry.
import { canonicalJson, isDeeperThan, isObject, type JsonObject, type JsonValue } from '#lib/canonical-json.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { ChainCheck, type Anchors, type ChainReport } from './chain.ts';
import { jsonOf, type AuditEntry, type ChainPlace } from './entry.ts';

/** The version of the format. */
const FORMAT = 1;

/** A longer line is no entry: two states of the largest size are shorter. */
const MAX_LINE = 8 * 1_048_576;
/** An entry has fewer levels. */
const MAX_DEPTH = 100;

/** The beginning of an exported log. */
export interface ExportHeader {
  /** The place before the first entry. */
  readonly from: ChainPlace;
  /** The place of the last entry. */
  readonly to: ChainPlace;
}

/** The first line of an export. */
export function headerLine({ from, to }: ExportHeader): string {
  return `${canonicalJson({ auditLog: FORMAT, from: placeOf(from), to: placeOf(to) })}\n`;
}

/** The first line of an export of some entries. */
export function extractLine(): string {
  return `${canonicalJson({ auditExtract: FORMAT })}\n`;
}

/** The line of an entry. */
export function entryLine(entry: AuditEntry): string {
  return `${canonicalJson(jsonOf(entry))}\n`;
}

/**
 * Verifies an export, as its bytes arrive. A break of the chain is part of the report; the error says why the bytes are no export at all.
 */
export async function verifyExport(bytes: AsyncIterable<Buffer>, anchors: Anchors = new Map()): Promise<Result<ChainReport>> {
  let open: { readonly check: ChainCheck; readonly to: ChainPlace } | null = null;
  for await (const line of linesOf(bytes)) {
    if (open === null) {
      const header = headerOf(line);
      if (!header.ok) return header;
      open = { check: new ChainCheck(anchors, header.value.from), to: header.value.to };
      continue;
    }
    open.check.take(objectIn(line) ?? {});
    if (open.check.broken !== null) break;
  }
  return open === null ? err('is empty') : ok(open.check.end(open.to));
}

function headerOf(line: Buffer): Result<ExportHeader> {
  const header = objectIn(line);
  if (header?.['auditExtract'] !== undefined)
    return err('has only the entries that a filter has let through: export the log without filters');
  if (header === null || header['auditLog'] === undefined) {
    return err('is no export of the audit log: it must be the unchanged output of weir audit export, or of GET /api/v1/audit/export');
  }
  const { auditLog, from, to } = header;
  if (auditLog !== FORMAT)
    return err(`has format ${JSON.stringify(auditLog)}, and this release reads format ${FORMAT}: use a later release`);
  if (!isPlace(from) || !isPlace(to) || Object.keys(header).length !== 3) return err('has a changed first line');
  return ok({ from, to });
}

function isPlace(value: unknown): value is ChainPlace & JsonObject {
  const { sequence, hash } = (value ?? {}) as Partial<ChainPlace>;
  const isNumber = typeof sequence === 'number' && Number.isSafeInteger(sequence) && sequence >= 0;
  return isNumber && typeof hash === 'string' && /^[0-9a-f]{64}$/.test(hash) && Object.keys(value as object).length === 2;
}

function placeOf({ sequence, hash }: ChainPlace): JsonObject {
  return { sequence, hash };
}

/** The object of a line; null unless the line is its canonical text, byte by byte. */
function objectIn(line: Buffer): JsonObject | null {
  let value: JsonValue;
  try {
    value = JSON.parse(line.toString()) as JsonValue;
  } catch {
    return null;
  }
  if (!isObject(value) || isDeeperThan(value, MAX_DEPTH)) return null;
  return Buffer.from(canonicalJson(value)).equals(line) ? value : null;
}

/** Lines without their ends. A line that is not whole, or too long to be an entry, becomes an empty line, which is no entry. */
async function* linesOf(bytes: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const broken = Buffer.alloc(0);
  let parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of bytes) {
    let begin = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, begin)) {
      yield Buffer.concat([...parts, chunk.subarray(begin, end)]);
      [parts, length, begin] = [[], 0, end + 1];
    }
    parts.push(chunk.subarray(begin));
    length += chunk.length - begin;
    if (length > MAX_LINE) return yield broken;
  }
  if (length > 0) yield broken;
}
