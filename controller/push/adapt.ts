// Adapts a resource to proxies of another release: removes what they do not know (api/wire/additions.ts).
import { ADDITIONS } from '#api/wire/additions.ts';
import type { Addition, EncodedResource } from '#api/ir/ir.ts';
import { protectsTargets } from '#api/k8s/protection.ts';
import { contentHash } from '#lib/hash.ts';
import type { NackError } from './observer.ts';

/** The form of a resource for a proxy: sent, withheld (reported as if the proxy had refused it), or removed. */
export type Adapted =
  /** `lacks`: errors about the fields that the sent form does not have. */
  | { readonly type: 'send'; readonly resource: EncodedResource; readonly lacks: readonly NackError[] }
  | { readonly type: 'withhold'; readonly errors: readonly NackError[] }
  | { readonly type: 'remove' };

/** Separates the version of a resource from the hash of the removed additions. */
const MARK = '~';

const NEEDED = 'needs a newer version of the proxy: upgrade the proxy';
const LEFT_OUT = 'has no effect in this version of the proxy: upgrade the proxy';

/** The controller's version of a resource, from the version that a proxy reports. */
export function versionInFull(version: string): string {
  return version.split(MARK, 1)[0] ?? version;
}

/** Adapts resources for all proxies that lack the same additions. */
export class Adapter {
  readonly #missing: readonly Addition[];
  /** Each resource is parsed once, not once per proxy. */
  readonly #adapted = new WeakMap<EncodedResource, Adapted>();

  /** `missing`: the additions that the proxies do not know. */
  constructor(missing: readonly Addition[]) {
    this.#missing = missing;
  }

  adapt(resource: EncodedResource): Adapted {
    if (this.#missing.length === 0) return { type: 'send', resource, lacks: [] };
    const known = this.#adapted.get(resource);
    if (known !== undefined) return known;
    const adapted = this.#make(resource);
    this.#adapted.set(resource, adapted);
    return adapted;
  }

  #make(resource: EncodedResource): Adapted {
    const mentioned = this.#missing.filter(({ path }) => resource.kind === 'Policy' || path.split('.', 1)[0] === resource.kind);
    if (mentioned.length === 0) return { type: 'send', resource, lacks: [] };
    const content = JSON.parse(resource.body.toString()) as Fields;
    const found = mentioned.filter((addition) => placesOf(content, addition).length > 0);
    if (found.length === 0) return { type: 'send', resource, lacks: [] };
    if (found.some(({ otherwise }) => otherwise === 'remove')) return { type: 'remove' };
    if (mustProtect(content, this.#missing)) return refusing(resource, content, found);
    const withheld = found.filter(({ otherwise }) => otherwise === 'withhold');
    if (withheld.length > 0) return { type: 'withhold', errors: withheld.map((addition) => errorOf(addition, NEEDED)) };
    for (const addition of found) for (const { holder, name } of placesOf(content, addition)) delete holder[name];
    const version = `${resource.version}${MARK}${markOf(found)}`;
    const lacks = found.filter(({ otherwise }) => otherwise === 'omit').map((addition) => errorOf(addition, LEFT_OUT));
    return { type: 'send', resource: { ...resource, version, body: Buffer.from(JSON.stringify(content)) }, lacks };
  }
}

const adapters = new Map<string, Adapter>();
/** For proxies that know every addition. `adapters` stays small: it has one entry per set of missing additions. */
const ALL = new Adapter([]);

/** The adapter for proxies with these capabilities. Proxies of the first release report none. */
export function adapterFor(capabilities: readonly string[]): Adapter {
  const missing = ADDITIONS.filter(({ capability }) => !capabilities.includes(capability));
  if (missing.length === 0) return ALL;
  const name = missing.map(({ path }) => path).join();
  const known = adapters.get(name) ?? new Adapter(missing);
  adapters.set(name, known);
  return known;
}

function errorOf({ path }: Addition, reason: string): NackError {
  return { field: path.split('.').slice(1).join('.'), reason };
}

type Fields = Record<string, unknown>;

/** A field of a resource. */
interface Place {
  readonly holder: Fields;
  readonly name: string;
}

/** A policy that protects its targets is never left out, and never sent without a setting, to proxies that can refuse requests in its place. */
function mustProtect({ kind, policyKind, settings }: Fields, missing: readonly Addition[]): boolean {
  if (kind !== 'Policy' || !protectsTargets(String(policyKind), isFields(settings) ? settings : {})) return false;
  return !missing.some(({ path }) => path === policyKind || path === 'Policy.problems');
}

/** The policy without its settings: proxies refuse the requests of its targets. */
function refusing(resource: EncodedResource, content: Fields, found: readonly Addition[]): Adapted {
  const lacks = found.map((addition) => errorOf(addition, NEEDED));
  const { references: _, ...kept } = content;
  const problems = lacks.map(({ field, reason }) => ({ field: '', message: `${field} ${reason}` }));
  const version = `${resource.version}${MARK}${markOf(found)}`;
  return {
    type: 'send',
    resource: { ...resource, version, body: Buffer.from(JSON.stringify({ ...kept, settings: {}, problems })) },
    lacks,
  };
}

function markOf(found: readonly Addition[]): string {
  return contentHash(found.map(({ path }) => path).join()).slice(0, 8);
}

/** The fields of a resource that use the addition. If the addition is a whole kind, its place is the field `kind`. */
function placesOf(content: Fields, { path }: Addition): readonly Place[] {
  const [kind, ...segments] = path.split('.');
  const isMeant = kind === content['kind'] || kind === content['policyKind'];
  if (!isMeant) return [];
  return segments.length === 0 ? [{ holder: content, name: 'kind' }] : below(content, segments);
}

function below(value: unknown, [segment = '', ...rest]: readonly string[]): readonly Place[] {
  const [part = '', item] = segment.split('=');
  const name = part.replace('[]', '');
  if (!isFields(value) || !Object.hasOwn(value, name)) return [];
  const items = part.endsWith('[]') ? (value[name] as readonly unknown[]) : [value[name]];
  if (item !== undefined) return items.includes(item) ? [{ holder: value, name }] : [];
  return rest.length === 0 ? [{ holder: value, name }] : items.flatMap((item) => below(item, rest));
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
