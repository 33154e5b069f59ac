// The content coding that client and proxy agree on: proactive negotiation by Accept-Encoding (RFC 9110 section 12.5.3).

/** The codings that Weir makes, by their registered names. */
export type ContentCoding = 'zstd' | 'br' | 'gzip';

/** One entry of the list: a coding, and its weight. */
interface Preference {
  readonly coding: string;
  readonly weight: number;
}

/** More entries than any client sends: the rest has no effect. */
const MAX_ENTRIES = 32;
/** `qvalue` of section 12.4.2. */
const WEIGHT = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/;

/** The coding of an answer, or null for none. Of equally preferred ones, the first of `offered`. */
export function acceptedCoding(header: string, offered: readonly ContentCoding[]): ContentCoding | null {
  const preferences = parse(header);
  let best: ContentCoding | null = null;
  let bestWeight = 0;
  for (const coding of offered) {
    const weight = weightOf(preferences, coding) ?? weightOf(preferences, '*') ?? 0;
    if (weight <= bestWeight) continue;
    [best, bestWeight] = [coding, weight];
  }
  const plain = weightOf(preferences, 'identity');
  return plain !== null && plain > bestWeight ? null : best;
}

function weightOf(preferences: readonly Preference[], coding: string): number | null {
  return preferences.find((each) => each.coding === coding)?.weight ?? null;
}

function parse(header: string): readonly Preference[] {
  return header
    .toLowerCase()
    .split(',', MAX_ENTRIES)
    .map((entry) => {
      const [coding = '', ...parameters] = entry.split(';').map((part) => part.trim());
      return { coding: coding === 'x-gzip' ? 'gzip' : coding, weight: weightIn(parameters) };
    });
}

/** 1 without a weight; 0 if the weight is malformed, which asks for nothing. */
function weightIn(parameters: readonly string[]): number {
  const weight = parameters.find((parameter) => /^q\s*=/.test(parameter));
  if (weight === undefined) return 1;
  const value = weight.slice(weight.indexOf('=') + 1).trim();
  return WEIGHT.test(value) ? Number(value) : 0;
}
