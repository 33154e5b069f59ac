// Finds the binding of a request: literals before variables, segment by segment.
import type { Binding } from './binding.ts';
import type { PathPart } from './path-pattern.ts';

/** A binding for a request, with the segments of its path without the verb. */
export interface FoundBinding {
  readonly binding: Binding;
  readonly segments: readonly string[];
}

const ANY_METHOD = '*';

/** What follows a part of a path. */
class Place {
  readonly literals = new Map<string, Place>();
  single: Place | null = null;
  /** By verb: of paths that end here, and of those that go on with anything. */
  readonly ends = new Map<string, Binding>();
  readonly rests = new Map<string, Binding>();

  next(part: PathPart): Place {
    if (part === '*') return (this.single ??= new Place());
    const literal = (part as { readonly literal: string }).literal;
    const known = this.literals.get(literal) ?? new Place();
    this.literals.set(literal, known);
    return known;
  }

  /** Each place is visited at most once. */
  find(segments: readonly string[], at: number, verb: string): Binding | null {
    const segment = segments[at];
    if (segment === undefined) return this.ends.get(verb) ?? this.rests.get(verb) ?? null;
    return (
      this.literals.get(segment)?.find(segments, at + 1, verb) ??
      (segment === '' ? null : this.single?.find(segments, at + 1, verb)) ??
      this.rests.get(verb) ??
      null
    );
  }
}

export class BindingTable {
  readonly #roots = new Map<string, Place>();
  /** Bindings whose method and path another one has. */
  readonly conflicts: (readonly [Binding, Binding])[] = [];

  constructor(bindings: Iterable<Binding>) {
    for (const binding of bindings) this.#add(binding);
  }

  #add(binding: Binding): void {
    const { parts, verb } = binding.pattern;
    let place = this.#roots.get(binding.verb) ?? new Place();
    this.#roots.set(binding.verb, place);
    const isOpen = parts.at(-1) === '**';
    for (const part of isOpen ? parts.slice(0, -1) : parts) place = place.next(part);
    const ends = isOpen ? place.rests : place.ends;
    const other = ends.get(verb);
    if (other === undefined) ends.set(verb, binding);
    else this.conflicts.push([binding, other]);
  }

  /** The binding of a request; the methods of HTTP that the path has, if it has none for this one; null: the path has none. */
  find(method: string, path: string): FoundBinding | readonly string[] | null {
    const found = this.#of(method, path) ?? (method === 'HEAD' ? this.#of('GET', path) : null) ?? this.#of(ANY_METHOD, path);
    if (found !== null) return found;
    const others = [...this.#roots.keys()].filter((each) => this.#of(each, path) !== null);
    return others.length === 0 ? null : others.sort();
  }

  #of(method: string, path: string): FoundBinding | null {
    const root = this.#roots.get(method);
    if (root === undefined || !path.startsWith('/')) return null;
    const segments = path.slice(1).split('/');
    const withVerb = verbOf(segments);
    const [own, verb] = withVerb ?? [segments, ''];
    const special = withVerb === null ? null : root.find(own, 0, verb);
    if (special !== null) return { binding: special, segments: own };
    const binding = root.find(segments, 0, '');
    return binding === null ? null : { binding, segments };
  }
}

/** The segments without the verb, and the verb; null without one. */
function verbOf(segments: readonly string[]): readonly [readonly string[], string] | null {
  const last = segments.at(-1) as string;
  const colon = last.lastIndexOf(':');
  return colon < 0 ? null : [[...segments.slice(0, -1), last.slice(0, colon)], last.slice(colon + 1)];
}
