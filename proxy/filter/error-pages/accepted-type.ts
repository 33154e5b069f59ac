// The media type that a client prefers: proactive negotiation by Accept (RFC 9110 section 12.5.1).

/** A media range of the client and its weight. */
interface Preference {
  readonly range: string;
  readonly weight: number;
}

/** More entries than any client sends: the rest has no effect. */
const MAX_ENTRIES = 64;
/** `qvalue` of section 12.4.2. */
const WEIGHT = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/;
/** More specific ranges count more, as long as the difference is less than that of two weights. */
const FINEST_WEIGHT = 1_000;
const LEVELS = 5;

/** The index of the preferred type of a list, the first among equal ones. 0 if the client accepts none. `header` null: it accepts all. */
export function preferredType(header: string | null, types: readonly string[]): number {
  if (header === null) return 0;
  const preferences = parse(header);
  let [best, bestRank] = [0, 0];
  for (const [i, type] of types.entries()) {
    const rank = rankOf(preferences, type);
    if (rank > bestRank) [best, bestRank] = [i, rank];
  }
  return best;
}

/** The weight of a type; of equal weights, the one that the client names more exactly is greater. 0: it is not accepted. */
function rankOf(preferences: readonly Preference[], contentType: string): number {
  const type = essence(contentType);
  const ranges = [type, baseOf(type), `${type.slice(0, type.indexOf('/'))}/*`, '*/*'];
  for (const [i, range] of ranges.entries()) {
    const found = preferences.find((each) => each.range === range);
    if (found !== undefined) return found.weight === 0 ? 0 : Math.round(found.weight * FINEST_WEIGHT) * LEVELS + (LEVELS - 1 - i);
  }
  return 0;
}

/** A client that reads JSON or XML reads the types that are based on it (RFC 6839). */
function baseOf(type: string): string {
  return type.includes('+') ? `application/${type.slice(type.lastIndexOf('+') + 1)}` : type;
}

/** A type without parameters. */
function essence(contentType: string): string {
  return (contentType.split(';', 1)[0] as string).trim().toLowerCase();
}

function parse(header: string): readonly Preference[] {
  return header.split(',', MAX_ENTRIES).map((entry) => {
    const [range = '', ...parameters] = entry.toLowerCase().split(';');
    return { range: range.trim(), weight: weightIn(parameters.map((each) => each.trim())) };
  });
}

/** 1 without a weight; 0 if the weight is malformed, which asks for nothing. */
function weightIn(parameters: readonly string[]): number {
  const weight = parameters.find((parameter) => /^q\s*=/.test(parameter));
  if (weight === undefined) return 1;
  const value = weight.slice(weight.indexOf('=') + 1).trim();
  return WEIGHT.test(value) ? Number(value) : 0;
}
