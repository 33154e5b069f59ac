// The faults of an OpenAPI document: each with its place in the document, its reason and what to do.

/** The way to a part of a document: names of members and indexes of elements. */
export type DocumentPath = readonly string[];

/** A fault of a document. */
export interface DocumentFault {
  readonly path: DocumentPath;
  /** The rest of a sentence about the part: `has no name`. */
  readonly reason: string;
}

/** Further faults are not listed: the first ones usually cause them. */
const MAX_FAULTS = 16;

export class Faults {
  readonly #list: DocumentFault[] = [];
  readonly #seen = new Set<string>();

  get list(): readonly DocumentFault[] {
    return this.#list;
  }

  /** Adds a fault once. */
  add(path: DocumentPath, reason: string): void {
    const id = `${pointerOf(path)} ${reason}`;
    if (this.#list.length >= MAX_FAULTS || this.#seen.has(id)) return;
    this.#seen.add(id);
    this.#list.push({ path, reason });
  }
}

/** The JSON pointer of a path (RFC 6901): '' for the whole. */
export function pointerOf(path: DocumentPath): string {
  return path.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** The path of a JSON pointer. */
export function pathOf(pointer: string): DocumentPath {
  if (pointer === '') return [];
  return pointer
    .slice(1)
    .split('/')
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
}
