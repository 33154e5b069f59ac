// The lines of the fields of a file. The file is parsed again only when a line is requested, since problems are rare.
import { LineCounter, visit } from 'yaml';
import type { Document, Node } from 'yaml';
import type { FilePart } from './file-text.ts';
import { lineOf, nodesTo, yamlDocuments } from './yaml-nodes.ts';

interface Parsed {
  readonly documents: readonly Document[];
  readonly counter: LineCounter;
}

export class FieldLines {
  readonly #part: FilePart;
  #parsed: WeakRef<Parsed> | null = null;

  constructor(part: FilePart) {
    this.#part = part;
  }

  /** The 1-based line of a field of the object at this offset: that of the last existing node on its path. */
  lineOf(offset: number, field: string): number {
    const { documents, counter } = this.#parse();
    for (const document of documents) {
      const root = nodeAt(document, offset);
      if (root !== null) return this.#part.linesBefore + lineOf([...nodesTo(root, field, document)].at(-1) ?? root, counter);
    }
    return 0;
  }

  #parse(): Parsed {
    const known = this.#parsed?.deref();
    if (known !== undefined) return known;
    const counter = new LineCounter();
    const parsed = { documents: yamlDocuments(this.#part.text, counter), counter };
    this.#parsed = new WeakRef(parsed);
    return parsed;
  }
}

function nodeAt(document: Document, offset: number): Node | null {
  let found: Node | null = null;
  visit(document, {
    Map(_, node) {
      if (node.range?.[0] !== offset) return undefined;
      found = node;
      return visit.BREAK;
    },
  });
  return found;
}
