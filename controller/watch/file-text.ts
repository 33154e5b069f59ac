// Decodes the text of a file as kubectl does: UTF-8, or UTF-16 with a byte order mark. Splits a sequence of JSON objects.

/** The text without byte order marks, which may also be in the middle of joined files. Line numbers stay the same. */
export function decodeText(bytes: Buffer): string {
  return decode(bytes).replace(/^\ufeff/gm, '');
}

function decode(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.toString('utf16le');
  if (bytes[0] === 0xfe && bytes[1] === 0xff)
    return Buffer.from(bytes.subarray(0, bytes.length & ~1))
      .swap16()
      .toString('utf16le');
  return bytes.toString('utf8');
}

/** A part of a file that is parsed separately. */
export interface FilePart {
  readonly text: string;
  /** Number of lines of the file before the part. */
  readonly linesBefore: number;
}

/** The parts of a file: the whole file, or each object of a sequence of JSON objects, which YAML cannot parse. */
export function partsOf(text: string): FilePart[] {
  const ends = /^\s*\{/.test(text) ? objectEnds(text) : [];
  if (ends.length < 2) return [{ text, linesBefore: 0 }];
  let linesBefore = 0;
  return ends.map((end, i) => {
    const part = { text: text.slice(ends[i - 1] ?? 0, end), linesBefore };
    linesBefore += part.text.split('\n').length - 1;
    return part;
  });
}

/** The end of each object; empty if the text has any other content. */
function objectEnds(text: string): number[] {
  const ends: number[] = [];
  let depth = 0;
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\[^])*"|[{}]|[^\s{}"]+/g)) {
    if (token === '{') depth++;
    else if (depth === 0) return [];
    else if (token === '}' && --depth === 0) ends.push(index + 1);
  }
  return depth === 0 ? ends : [];
}
