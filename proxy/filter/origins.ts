// A list of origins, some with a wildcard for the beginning of their host name.
import { normaliseOrigin } from '../exchange/authority.ts';

export class Origins {
  readonly #exact: ReadonlySet<string>;
  readonly #wildcards: readonly (readonly [string, string])[];

  constructor(origins: readonly string[]) {
    const named = origins.map(normaliseOrigin);
    this.#exact = new Set(named.filter((origin) => !origin.includes('*')));
    this.#wildcards = named.filter((origin) => origin.includes('*')).map(splitWildcard);
  }

  /** Whether an origin, as a browser writes it, is in the list. */
  has(origin: string): boolean {
    const normal = normaliseOrigin(origin);
    if (this.#exact.has(normal)) return true;
    return this.#wildcards.some(([before, after]) => {
      return (
        normal.length > before.length + after.length &&
        normal.startsWith(before) &&
        normal.endsWith(after) &&
        isHostPart(normal.slice(before.length, normal.length - after.length))
      );
    });
  }
}

function splitWildcard(origin: string): readonly [string, string] {
  const star = origin.indexOf('*');
  return [origin.slice(0, star), origin.slice(star + 1)];
}

/** The characters that a wildcard may match: labels of a host name, nothing that ends the host. */
function isHostPart(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const allowed = (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x2e;
    if (!allowed) return false;
  }
  return true;
}
