// A resource as a proxy of another release may have it: without what it has not said that it knows (api/ir/additions.ts).
import { ADDITIONS } from '#api/ir/additions.ts';
import type { Addition } from '#api/ir/additions.ts';
import type { EncodedResource } from '#api/ir/ir.ts';
import { contentHash } from '#lib/hash.ts';
import type { NackError } from './observer.ts';

/** What becomes of a resource for a proxy: it is sent in some form, kept from it as if it refused it, or taken away. */
export type Adapted =
  /** `lacks`: what is told of the form that it is sent in. */
  | { readonly type: 'send'; readonly resource: EncodedResource; readonly lacks: readonly NackError[] }
  | { readonly type: 'withhold'; readonly errors: readonly NackError[] }
  | { readonly type: 'remove' };

/** Between the version of a resource and the mark of what is left out of it. */
const MARK = '~';

const NEEDED = 'needs a newer version of the proxy: upgrade it';
const LEFT_OUT = 'is without effect in this version of the proxy: upgrade it';

/** The version that the controller knows a resource by, of the version that a proxy has of it. */
export function versionInFull(version: string): string {
  return version.split(MARK, 1)[0] ?? version;
}

/** Adapts resources for all proxies that lack the same. */
export class Adapter {
  readonly #missing: readonly Addition[];
  /** Bodies are parsed once, however many proxies there are. */
  readonly #adapted = new WeakMap<EncodedResource, Adapted>();

  /** `missing`: what the proxies do not know. */
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
    const withheld = found.filter(({ otherwise }) => otherwise === 'withhold');
    if (withheld.length > 0) return { type: 'withhold', errors: withheld.map((addition) => errorOf(addition, NEEDED)) };
    for (const addition of found) for (const { holder, name } of placesOf(content, addition)) delete holder[name];
    const mark = contentHash(found.map(({ path }) => path).join()).slice(0, 8);
    const version = `${resource.version}${MARK}${mark}`;
    const lacks = found.filter(({ otherwise }) => otherwise === 'omit').map((addition) => errorOf(addition, LEFT_OUT));
    return { type: 'send', resource: { ...resource, version, body: Buffer.from(JSON.stringify(content)) }, lacks };
  }
}

const adapters = new Map<string, Adapter>();
/** Releases are few; what a proxy says is bounded by what this one asks for. */
const ALL = new Adapter([]);

/** The adapter for proxies with these capabilities; a proxy of the first release that had none says none. */
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

/** Where a field stands. */
interface Place {
  readonly holder: Fields;
  readonly name: string;
}

/** Where the addition is used in a resource; its kind stands for itself. */
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
