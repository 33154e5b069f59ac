// The document of a policy in a proxy: read once for each version, with the checks of its operations. A version that cannot be read changes
// nothing: the last one that could stays in use.
import { RequestCheck, Validators, type BodyTools } from '#api/openapi/checked-request.ts';
import { readDocument, schemasOf, type ApiDocument, type Operation } from '#api/openapi/document.ts';
import type { Direction } from '#api/openapi/schemas.ts';
import { validatorWith } from '#api/openapi/validator.ts';
import { isSmall, type DocumentCompilation, type DocumentCompiler } from './document-compiler.ts';
import type { DocumentSource } from './document-source.ts';
import { strictJson } from './json.ts';

/** An operation for a request. */
export interface FoundOperation {
  readonly operation: Operation;
  readonly variables: ReadonlyMap<string, string>;
}

/** The messages of operations that are checked. */
export type Checked = ReadonlySet<Direction>;

/** One version of a document. */
export class CompiledDocument {
  readonly #document: ApiDocument;
  /** Null: the document is small, so schemas are compiled when they are first needed. */
  readonly #compilation: DocumentCompilation | null;
  readonly #validators: Validators;
  /** For checks of bodies. */
  readonly tools: BodyTools;
  readonly #checks = new Map<Operation, RequestCheck>();
  /** Operations whose schemas are compiled (null), or will be. */
  readonly #prepared = new Map<Operation, Promise<void> | null>();

  constructor(document: ApiDocument, compilation: DocumentCompilation | null) {
    this.#document = document;
    this.#compilation = compilation;
    this.#validators = new Validators(document);
    this.tools = { document, validators: this.#validators, parseJson: strictJson };
  }

  /** The operation of a request; the methods of its path, if it has none for this one; null: the path is unknown. */
  find(method: string, path: string): FoundOperation | readonly string[] | null {
    const found = this.#document.find(path);
    if (found === null) return null;
    const { value: methods, variables } = found;
    // RFC 9110 section 9.3.2: HEAD is GET without a body.
    const operation = methods.get(method) ?? (method === 'HEAD' ? methods.get('GET') : undefined);
    return operation === undefined ? [...methods.keys()] : { operation, variables };
  }

  /** Compiles the schemas of an operation, off the event loop. Null: they are ready, or need no preparation. */
  prepare(operation: Operation, checked: Checked): Promise<void> | null {
    if (this.#compilation === null) return null;
    let prepared = this.#prepared.get(operation);
    if (prepared === undefined) this.#prepared.set(operation, (prepared = this.#compile(this.#compilation, operation, checked)));
    return prepared;
  }

  async #compile(compilation: DocumentCompilation, operation: Operation, checked: Checked): Promise<void> {
    const schemas = schemasOf(operation).filter(({ direction }) => checked.has(direction));
    const codes = await compilation.compile(schemas.map(({ part: { path }, direction }) => ({ path, direction })));
    schemas.forEach(({ part }, i) => this.#validators.set(part, validatorWith(codes[i] ?? null)));
    this.#prepared.set(operation, null);
  }

  /** The check of the requests of an operation. */
  check(operation: Operation): RequestCheck {
    let known = this.#checks.get(operation);
    if (known === undefined) {
      known = new RequestCheck(operation, this.tools);
      this.#checks.set(operation, known);
    }
    return known;
  }

  close(): void {
    this.#compilation?.close();
  }
}

export class DocumentInUse {
  readonly #source: DocumentSource;
  readonly #basePath: string | null;
  readonly #compiler: DocumentCompiler;
  readonly #stop: () => void;
  #current: CompiledDocument | null = null;
  /** The versions so far, and the reading of the last one. */
  #versions = 0;
  #reading: Promise<void> = Promise.resolve();

  /** `basePath`: that of the policy, in place of those of the document; null: those. */
  constructor(source: DocumentSource, basePath: string | null, compiler: DocumentCompiler) {
    this.#source = source;
    this.#basePath = basePath;
    this.#compiler = compiler;
    this.#stop = source.onChange(() => this.#read());
    this.#read();
  }

  /** Null: there was no version that can be read. */
  get current(): CompiledDocument | null {
    return this.#current;
  }

  /** Why there is no newer version; '' if nothing is known. */
  get problem(): string {
    return this.#source.problem;
  }

  /** The first version, if there may be one soon. */
  async first(): Promise<CompiledDocument | null> {
    await this.#source.refresh();
    await this.#reading;
    return this.#current;
  }

  close(): void {
    this.#versions++;
    this.#stop();
    this.#source.close();
    this.#current?.close();
  }

  #read(): void {
    const { text } = this.#source;
    const version = ++this.#versions;
    if (text === null) return;
    if (isSmall(text)) this.#take(text, null);
    else this.#reading = this.#readLarge(text, version);
  }

  /** A version that came meanwhile takes its place. */
  async #readLarge(text: string, version: number): Promise<void> {
    const json = await this.#compiler.read(text);
    if (json !== null && version === this.#versions) this.#take(json, this.#compiler.open(json));
  }

  #take(text: string, compilation: DocumentCompilation | null): void {
    const read = readDocument(text, this.#basePath);
    if (!read.ok) return;
    this.#current?.close();
    this.#current = new CompiledDocument(read.value, compilation);
  }
}
