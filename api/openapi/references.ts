// References inside of a document (`$ref: '#/components/...'`). References to other documents are faults: proxies fetch nothing for them.
import type { DocumentPath, Faults } from './faults.ts';
import { pathOf } from './faults.ts';
import type { Fields } from './reading.ts';

/** References in a row from one to the next. */
const MAX_STEPS = 16;

/** A part of a document. */
export interface Part {
  readonly value: unknown;
  readonly path: DocumentPath;
}

export class References {
  readonly #root: unknown;
  readonly #faults: Faults;

  constructor(root: unknown, faults: Faults) {
    this.#root = root;
    this.#faults = faults;
  }

  /** The part at a place of the document. */
  at(path: DocumentPath): Part {
    let value: unknown = this.#root;
    for (const name of path) value = isContainer(value) && Object.hasOwn(value, name) ? value[name] : undefined;
    return { value, path };
  }

  /** The object at a place, behind its references; null with a fault if there is none. */
  objectAt(part: Part): { readonly value: Fields; readonly path: DocumentPath } | null {
    let { value, path } = part;
    for (let step = 0; step < MAX_STEPS; step++) {
      if (!isObject(value)) return this.#none(path, 'must be an object');
      if (value['$ref'] === undefined) return { value, path };
      const target = this.target(value['$ref'], [...path, '$ref']);
      if (target === null) return null;
      ({ value, path } = target);
    }
    return this.#none(part.path, 'refers to itself');
  }

  /** The part that a reference names; null with a fault if there is none. */
  target(reference: unknown, at: DocumentPath): Part | null {
    if (typeof reference !== 'string') return this.#none(at, 'must be a text');
    if (!reference.startsWith('#')) return this.#none(at, 'refers to another document; bundle all documents into one');
    const pointer = decoded(reference.slice(1));
    if (pointer !== '' && !pointer.startsWith('/')) return this.#none(at, 'must be a JSON pointer like #/components/schemas/User');
    const path = pathOf(pointer);
    let value: unknown = this.#root;
    for (const name of path) {
      if (!isContainer(value) || !Object.hasOwn(value, name)) return this.#none(at, `refers to ${reference}, which does not exist`);
      value = value[name];
    }
    return { value, path };
  }

  #none(path: DocumentPath, reason: string): null {
    this.#faults.add(path, reason);
    return null;
  }
}

function decoded(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}

/** Whether a value is an object or a list. */
function isContainer(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

/** Whether a value is an object and no list. */
export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
