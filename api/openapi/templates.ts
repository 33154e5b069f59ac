// Path templates such as `/users/{id}` in a tree: texts win over variables, segment by segment.

/** A path that a template matches, with the texts of its variables as they were sent. */
export interface TemplateMatch<T> {
  readonly value: T;
  readonly variables: ReadonlyMap<string, string>;
}

/** A segment with variables: texts and names in turn, beginning with a text. */
type Segment = readonly string[];

interface Branch<T> {
  readonly shape: string;
  readonly segment: Segment;
  readonly node: Node<T>;
}

interface Node<T> {
  readonly literals: Map<string, Node<T>>;
  readonly branches: Branch<T>[];
  /** Templates that end here: their values, with the names of their variables in order. */
  end: { readonly value: T; readonly names: readonly string[] } | null;
}

function newNode<T>(): Node<T> {
  return { literals: new Map(), branches: [], end: null };
}

export class Templates<T> {
  readonly #root: Node<T> = newNode();

  /** Adds a template. Returns the value of the one that matches the same paths, if there is one: then nothing is added. */
  add(template: string, value: T): T | null {
    const segments = template.split('/').map(segmentOf);
    let node = this.#root;
    for (const segment of segments) node = childFor(node, segment);
    if (node.end !== null) return node.end.value;
    node.end = { value, names: segments.flatMap(namesOf) };
    return null;
  }

  /** The template that matches a path best; null: none. */
  find(path: string): TemplateMatch<T> | null {
    return search(this.#root, path.split('/'), 0, []);
  }
}

/** `{a}.json` is '', 'a', '.json'. */
function segmentOf(text: string): Segment {
  return text.split(/\{([^{}]*)\}/);
}

/** The variables of a template, in order. */
export function variablesOf(template: string): readonly string[] {
  return template.split('/').flatMap((text) => namesOf(segmentOf(text)));
}

function namesOf(segment: Segment): readonly string[] {
  return segment.filter((_, i) => i % 2 === 1);
}

function childFor<T>(node: Node<T>, segment: Segment): Node<T> {
  if (segment.length === 1) {
    const text = segment[0] as string;
    let child = node.literals.get(text);
    if (child === undefined) node.literals.set(text, (child = newNode()));
    return child;
  }
  const shape = segment.map((text, i) => (i % 2 === 0 ? text : '{}')).join('');
  const known = node.branches.find((branch) => branch.shape === shape);
  if (known !== undefined) return known.node;
  const branch = { shape, segment, node: newNode<T>() };
  node.branches.push(branch);
  // More text is more specific.
  node.branches.sort((a, b) => b.shape.length - a.shape.length);
  return branch.node;
}

function search<T>(node: Node<T>, segments: readonly string[], at: number, values: readonly string[]): TemplateMatch<T> | null {
  const text = segments[at];
  if (text === undefined) {
    if (node.end === null) return null;
    const { value, names } = node.end;
    return { value, variables: new Map(names.map((name, i) => [name, values[i] as string])) };
  }
  const literal = node.literals.get(text);
  const found = literal === undefined ? null : search(literal, segments, at + 1, values);
  if (found !== null) return found;
  for (const { segment, node: next } of node.branches) {
    const captured = capture(segment, text);
    const match = captured === null ? null : search(next, segments, at + 1, [...values, ...captured]);
    if (match !== null) return match;
  }
  return null;
}

/** The texts of the variables of a segment, none of them empty; null: it does not match. */
function capture(segment: Segment, text: string): readonly string[] | null {
  const prefix = segment[0] as string;
  if (!text.startsWith(prefix)) return null;
  const values: string[] = [];
  let start = prefix.length;
  for (let i = 2; i < segment.length; i += 2) {
    const literal = segment[i] as string;
    const isLast = i === segment.length - 1;
    const end = isLast ? text.length - literal.length : text.indexOf(literal, start + 1);
    if (end <= start || !text.startsWith(literal, end)) return null;
    values.push(text.slice(start, end));
    start = end + literal.length;
  }
  return values;
}
