// Bodies of multipart/form-data (RFC 7578) divided into parts, read strictly: what two readers may understand differently is refused.
import { err, ok, type Result } from '#lib/result.ts';
import { mediaTypeOf } from './media-types.ts';

export const MULTIPART = 'multipart/form-data';

/** One part of a body. */
export interface FormPart {
  readonly name: string;
  /** Its media type without parameters; null: it names none. */
  readonly type: string | null;
  readonly isFile: boolean;
  readonly bytes: Buffer;
}

/** Parts of a body. */
const MAX_PARTS = 1_000;
/** Bytes of the headers of a part. */
const MAX_HEAD = 8_192;

const BOUNDARY = /^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/;
/** Transfer encodings that change nothing. */
const PLAIN = new Set(['7bit', '8bit', 'binary']);
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** A parameter: a quotation mark within the quotation marks must be written as %22. */
const PARAMETER = /^;[ \t]*([!#$%&'+\-.^_`|~0-9A-Za-z]+)=("(?:[^"\\]|\\(?!"))*"|[!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*/;

/** The boundary in a Content-Type; null: it has not exactly one. */
export function boundaryOf(contentType: string): string | null {
  const values = contentType
    .split(';')
    .slice(1)
    .flatMap((parameter) => {
      const at = parameter.indexOf('=');
      return parameter.slice(0, Math.max(at, 0)).trim().toLowerCase() === 'boundary' ? [parameter.slice(at + 1).trim()] : [];
    });
  const [value = ''] = values;
  const plain = value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
  return values.length === 1 && BOUNDARY.test(plain) ? plain : null;
}

/** The parts of a body. */
export function partsOf(body: Buffer, boundary: string): Result<readonly FormPart[]> {
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
  const first = delimiter.subarray(2);
  if (!body.subarray(0, first.length).equals(first)) return err('must begin with its boundary');
  const parts: FormPart[] = [];
  for (let at = first.length; ;) {
    const end = body.subarray(at, at + 4).latin1Slice();
    if (end === '--' || end === '--\r\n') return body.length === at + end.length ? ok(parts) : err('goes on behind its last part');
    if (!end.startsWith('\r\n')) return err('has a malformed boundary');
    if (parts.length === MAX_PARTS) return err(`has more than ${MAX_PARTS} parts`);
    const next = body.indexOf(delimiter, at);
    if (next < 0) return err('ends within a part');
    const part = partOf(body.subarray(at + 2, next));
    if (!part.ok) return part;
    parts.push(part.value);
    at = next + delimiter.length;
  }
}

function partOf(bytes: Buffer): Result<FormPart> {
  const end = bytes.subarray(0, MAX_HEAD + 4).indexOf('\r\n\r\n');
  if (end < 0)
    return err(bytes.length > MAX_HEAD ? `has a part with headers of more than ${MAX_HEAD} bytes` : 'has a part without headers');
  const headers = headersOf(bytes.subarray(0, end).toString('utf8'));
  if (headers === null) return err('has a part with malformed headers');
  if (!PLAIN.has(headers.get('content-transfer-encoding')?.toLowerCase() ?? 'binary')) return err('has a part with a transfer encoding');
  const disposition = dispositionOf(headers.get('content-disposition') ?? '');
  const name = disposition.get('name');
  if (name === undefined) return err('has a part without a name');
  return ok({ name, type: typeIn(headers), isFile: disposition.has('filename'), bytes: bytes.subarray(end + 4) });
}

function typeIn(headers: ReadonlyMap<string, string>): string | null {
  const type = headers.get('content-type');
  return type === undefined ? null : mediaTypeOf(type);
}

/** By name in lower case; null: a line is malformed, or a name comes twice. */
function headersOf(text: string): ReadonlyMap<string, string> | null {
  const headers = new Map<string, string>();
  for (const line of text.split('\r\n')) {
    const at = line.indexOf(':');
    const name = line.slice(0, Math.max(at, 0)).toLowerCase();
    if (!NAME.test(name) || headers.has(name) || /[\r\n\0]/.test(line)) return null;
    headers.set(name, line.slice(at + 1).trim());
  }
  return headers;
}

/** The parameters of `form-data`; none if they are malformed, or if one comes twice, perhaps in the form of RFC 8187. */
function dispositionOf(text: string): ReadonlyMap<string, string> {
  const [kind = ''] = text.split(';', 1);
  const parameters = new Map<string, string>();
  if (kind.trim().toLowerCase() !== 'form-data') return parameters;
  let rest = text.slice(kind.length);
  while (rest !== '') {
    const [whole, name = '', value = ''] = PARAMETER.exec(rest) ?? [];
    if (whole === undefined || parameters.has(name.toLowerCase())) return new Map();
    parameters.set(name.toLowerCase(), value.startsWith('"') ? value.slice(1, -1) : value);
    rest = rest.slice(whole.length);
  }
  return parameters;
}
