// The fields of an object of another gateway, read by name. It remembers which were read, so that the rest can be named.

type Json = Readonly<Record<string, unknown>>;

/** Whether a value is a map. */
export function isMap(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One map of an object, with the path that leads to it. A field of another type than the one asked for stays unread. */
export class Fields {
  /** Path from the root of the object, as `spec.rules[0]`. */
  readonly path: string;
  readonly #map: Json;
  readonly #read = new Set<string>();
  readonly #children = new Map<string, readonly Fields[]>();

  constructor(value: unknown, path: string) {
    this.path = path;
    this.#map = isMap(value) ? value : {};
  }

  /** Path of a field of this map. */
  at(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`;
  }

  has(name: string): boolean {
    return this.#map[name] !== undefined && this.#map[name] !== null;
  }

  /** A text; a number or a boolean counts as its spelling. */
  text(name: string): string | undefined {
    const value = this.#map[name];
    if (!['string', 'number', 'boolean'].includes(typeof value)) return undefined;
    this.#read.add(name);
    return String(value);
  }

  number(name: string): number | undefined {
    const value = this.#map[name];
    if (typeof value !== 'number') return undefined;
    this.#read.add(name);
    return value;
  }

  flag(name: string): boolean | undefined {
    const value = this.#map[name];
    if (typeof value !== 'boolean') return undefined;
    this.#read.add(name);
    return value;
  }

  /** A list of texts; empty where there is none. */
  texts(name: string): readonly string[] {
    const value = this.#map[name];
    if (!Array.isArray(value) || !value.every((item) => ['string', 'number'].includes(typeof item))) return [];
    this.#read.add(name);
    return value.map(String);
  }

  /** A map of texts; empty where there is none. */
  textMap(name: string): Readonly<Record<string, string>> {
    const value = this.#map[name];
    if (!isMap(value)) return {};
    this.#read.add(name);
    return Object.fromEntries(Object.entries(value).map(([key, text]) => [key, String(text)]));
  }

  /** A value as it is: for parts that mean the same on both sides. */
  whole(name: string): unknown {
    if (!this.has(name)) return undefined;
    this.#read.add(name);
    return this.#map[name];
  }

  /** A map within this one; an empty one where there is none. The same each time, so that it knows all that was read. */
  group(name: string): Fields {
    const [known] = this.#children.get(name) ?? [];
    if (known !== undefined) return known;
    const child = new Fields(this.#map[name], this.at(name));
    if (isMap(this.#map[name])) this.#keep(name, [child]);
    return child;
  }

  /** A list of maps within this one. */
  groups(name: string): readonly Fields[] {
    const known = this.#children.get(name);
    const value = this.#map[name];
    if (known !== undefined || !Array.isArray(value) || !value.every(isMap)) return known ?? [];
    const children = value.map((item, index) => new Fields(item, `${this.at(name)}[${index}]`));
    this.#keep(name, children);
    return children;
  }

  /** Paths of the fields that nothing has read. */
  unread(): readonly string[] {
    const own = Object.keys(this.#map).filter((name) => this.has(name) && !this.#read.has(name));
    return [...own.map((name) => this.at(name)), ...[...this.#children.values()].flat().flatMap((child) => child.unread())];
  }

  #keep(name: string, children: readonly Fields[]): void {
    this.#read.add(name);
    this.#children.set(name, children);
  }
}
