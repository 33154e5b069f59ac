// Parses a file of YAML or JSON into objects, each with its first line and its problems.
import { LineCounter, isMap, isScalar, isSeq } from 'yaml';
import type { Document, Node, YAMLMap } from 'yaml';
import type { FieldError } from '#api/k8s/field-error.ts';
import { kindOf } from '#api/k8s/kinds.ts';
import { refusalOf } from '#api/k8s/invalid-policy.ts';
import { objectId, refOf } from '#api/k8s/object.ts';
import type { KubernetesObject } from '#api/k8s/object.ts';
import { otherGateway } from '#api/k8s/other-gateways.ts';
import { otherKindOf } from '#api/k8s/other-kinds.ts';
import { validateObject } from '#api/k8s/validate.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { SourceProblem } from './event.ts';
import { FieldLines } from './field-lines.ts';
import { describeAliasError, describeYamlError, faultOfText } from './file-fault.ts';
import { partsOf, type FilePart } from './file-text.ts';
import { lineOf, MAX_ALIASES, nodesTo, otherReading, resolved, scalarsIn, valueInYaml11, yamlDocuments } from './yaml-nodes.ts';

/** An object in a file. */
export interface FileObject {
  readonly object: KubernetesObject;
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** The part of the file (`partsOf`), and the offset of the object in it. */
  readonly part: number;
  readonly offset: number;
  /** The line of a field, 1-based. */
  lineOf(field: string): number;
}

/**
 * The content of a file. `broken`: a document has no kind or name, so the file may lack any object. `skipped`: the kinds of documents that
 * are not for Weir, '' for a document without a Kubernetes object.
 */
export interface FileContent {
  readonly objects: readonly FileObject[];
  readonly problems: readonly SourceProblem[];
  readonly skipped: readonly string[];
  readonly broken: boolean;
  /** Invalid policies whose targets must not be served without them. */
  readonly refusals: readonly FileObject[];
}

/** `strictKinds`: documents of other kinds are problems. */
export interface ReadOptions {
  readonly strictKinds?: boolean;
}

/** Reads all documents of a file. */
export function parseDocuments(file: string, text: string, { strictKinds = false }: ReadOptions = {}): FileContent {
  const target: Target = { file, strictKinds, objects: [], problems: [], skipped: [], refusals: [] };
  for (const [i, part] of partsOf(text).entries()) parsePart(part, i, target);
  const { objects, problems, skipped, refusals } = target;
  const errors = problems.filter(({ severity }) => severity === 'error');
  const fault = errors.length === 0 ? null : faultOfText(text);
  if (fault !== null)
    return { objects: [], problems: [nameless(file, fault.line, '', fault.reason)], skipped: [], refusals: [], broken: true };
  return { objects, problems, skipped, refusals, broken: errors.some(({ object, field }) => object === '' || NAMING.has(field)) };
}

/** Fields that identify an object. */
const NAMING: ReadonlySet<string> = new Set(['apiVersion', 'kind']);

/** Collects the results of a file. */
interface Target {
  readonly file: string;
  readonly strictKinds: boolean;
  readonly objects: FileObject[];
  readonly problems: SourceProblem[];
  readonly skipped: string[];
  readonly refusals: FileObject[];
}

function parsePart(part: FilePart, index: number, target: Target): void {
  const { text, linesBefore } = part;
  const counter = new LineCounter();
  const lines = new FieldLines(part);
  for (const document of yamlDocuments(text, counter)) {
    const fault = document.errors[0];
    if (fault === undefined)
      new DocumentReader(document, { index, lineOf: (node) => linesBefore + lineOf(node, counter), lines }, target).read();
    else {
      const line = linesBefore + counter.linePos(fault.pos[0]).line;
      target.problems.push(nameless(target.file, line, '', describeYamlError(fault, text)));
    }
  }
}

function nameless(file: string, line: number, field: string, reason: string): SourceProblem {
  return { severity: 'error', file, line, object: '', field, reason };
}

/** The kind of list items that have none themselves; null if the list does not determine it. */
type ItemKind = Pick<KubernetesObject, 'apiVersion' | 'kind'> | null;

/** The part of the file that a document is in. */
interface DocumentPart {
  readonly index: number;
  readonly lines: FieldLines;
  /** The 1-based line of a node in the file. */
  lineOf(node: Node): number;
}

/** Reads the objects of one document. */
class DocumentReader {
  readonly #document: Document;
  readonly #part: DocumentPart;
  readonly #target: Target;

  constructor(document: Document, part: DocumentPart, target: Target) {
    this.#document = document;
    this.#part = part;
    this.#target = target;
  }

  read(): void {
    const root = this.#document.contents;
    if (isNothing(root)) return;
    if (isMap(root) && isListKind(root.get('kind')) && root.has('items')) this.#readList(root);
    else this.#take(root, null);
  }

  /** As in kubectl, items may omit their kind if the kind of the list determines it (`HTTPRouteList`, not `List`). */
  #readList(list: YAMLMap): void {
    const items = resolved(list.get('items', true), this.#document);
    if (isNothing(items)) return;
    if (!isSeq(items)) {
      this.#target.problems.push(nameless(this.#target.file, this.#part.lineOf(items), 'items', 'must be a list'));
      return;
    }
    const kind = String(list.get('kind')).slice(0, -'List'.length);
    const apiVersion: unknown = list.get('apiVersion');
    const itemKind = kind === '' || typeof apiVersion !== 'string' ? null : { apiVersion, kind };
    for (const item of items.items) this.#take(item as Node, itemKind);
  }

  #take(node: Node, itemKind: ItemKind): void {
    const value = this.#valueOf(node, itemKind);
    if (!value.ok) {
      this.#target.problems.push(nameless(this.#target.file, this.#part.lineOf(node), '', value.error));
      return;
    }
    const other = this.#target.strictKinds ? null : otherKindOf(value.value);
    if (other !== null) return this.#skip(node, value.value, other);
    const valid = validateObject(value.value, { strict: true });
    if (valid.ok) this.#keep(node, valid.value);
    else if (this.#readWords(node, valid.error)) this.#take(node, itemKind);
    else this.#tell(node, value.value, valid.error);
  }

  #keep(node: Node, object: KubernetesObject): void {
    const { file, objects, problems } = this.#target;
    objects.push(this.#placed(node, object));
    for (const { node: scalar, field } of scalarsIn(node)) {
      const reason = otherReading(scalar);
      if (reason === null) continue;
      problems.push({ severity: 'warning', file, line: this.#part.lineOf(scalar), object: objectId(refOf(object)), field, reason });
    }
  }

  #placed(node: Node, object: KubernetesObject): FileObject {
    const offset = resolved(node, this.#document)?.range?.[0] ?? 0;
    const { index, lines } = this.#part;
    const line = this.#part.lineOf(node);
    return { object, file: this.#target.file, line, part: index, offset, lineOf: (field) => lines.lineOf(offset, field) };
  }

  /** Counts documents of other programs, and reports objects of other gateways. */
  #skip(node: Node, value: unknown, kind: string): void {
    const { file, problems, skipped } = this.#target;
    const reason = kind === '' ? null : otherGateway(String((value as { apiVersion?: unknown }).apiVersion), kind);
    if (reason === null) skipped.push(kind);
    else problems.push({ severity: 'warning', file, line: this.#part.lineOf(node), object: nameOf(value), field: '', reason });
  }

  #valueOf(node: Node, itemKind: ItemKind): Result<unknown> {
    try {
      const value = node.toJS(this.#document, { maxAliasCount: MAX_ALIASES }) as unknown;
      const isBare = itemKind !== null && isObject(value) && value['kind'] === undefined && value['apiVersion'] === undefined;
      return ok(isBare ? { ...itemKind, ...value } : value);
    } catch (error) {
      return err(describeAliasError((error as Error).message));
    }
  }

  /** Converts plain words to their YAML 1.1 value where the schema allows no text. Returns whether there were any. */
  #readWords(node: Node, errors: readonly FieldError[]): boolean {
    let found = false;
    for (const { field } of errors) {
      const place = [...nodesTo(node, field, this.#document)].at(-1);
      const scalar = place === undefined ? null : resolved(place, this.#document);
      const value = scalar === null ? undefined : valueInYaml11(scalar);
      if (value === undefined || !isScalar(scalar) || scalar.value === value) continue;
      scalar.value = value;
      found = true;
    }
    return found;
  }

  #tell(node: Node, value: unknown, errors: readonly FieldError[]): void {
    const { file, problems, refusals } = this.#target;
    const refusal = refusalOf(value, errors);
    if (refusal !== null) refusals.push(this.#placed(node, refusal));
    for (const { field, reason } of errors) {
      const line = this.#part.lineOf([...nodesTo(node, field, this.#document)].at(-1) ?? node);
      problems.push({ severity: 'error', file, line, object: nameOf(value), field, reason });
    }
  }
}

function isNothing(node: Node | null): node is null {
  return node === null || (isScalar(node) && node.value === null);
}

function isListKind(kind: unknown): boolean {
  return typeof kind === 'string' && kind.endsWith('List');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `Kind/namespace/name` of a value that may not be an object. */
function nameOf(value: unknown): string {
  const { apiVersion = '', kind, metadata } = (isObject(value) ? value : {}) as Partial<KubernetesObject>;
  if (typeof kind !== 'string' || typeof metadata?.name !== 'string') return '';
  const { namespace, name } = refOf({ apiVersion, kind, metadata });
  return objectId({ kind, name, namespace: namespace === '' && kindOf(apiVersion, kind)?.namespaced === true ? 'default' : namespace });
}
