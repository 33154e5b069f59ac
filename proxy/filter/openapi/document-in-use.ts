// The document of a policy in a proxy: read once for each version, with the checks of its operations. A version that cannot be read changes
// nothing: the last one that could stays in use.
import { RequestCheck, Validators, type BodyTools } from '#api/openapi/checked-request.ts';
import { readDocument, type ApiDocument, type Operation } from '#api/openapi/document.ts';
import type { DocumentSource } from './document-source.ts';
import { strictJson } from './json.ts';

/** An operation for a request. */
export interface FoundOperation {
  readonly operation: Operation;
  readonly variables: ReadonlyMap<string, string>;
}

/** One version of a document. */
export class CompiledDocument {
  readonly #document: ApiDocument;
  /** For checks of bodies. */
  readonly tools: BodyTools;
  readonly #checks = new Map<Operation, RequestCheck>();

  constructor(document: ApiDocument) {
    this.#document = document;
    this.tools = { document, validators: new Validators(document), parseJson: strictJson };
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

  /** The check of the requests of an operation. */
  check(operation: Operation): RequestCheck {
    let known = this.#checks.get(operation);
    if (known === undefined) {
      known = new RequestCheck(operation, this.tools);
      this.#checks.set(operation, known);
    }
    return known;
  }
}

export class DocumentInUse {
  readonly #source: DocumentSource;
  readonly #basePath: string | null;
  readonly #stop: () => void;
  #current: CompiledDocument | null = null;

  /** `basePath`: that of the policy, in place of those of the document; null: those. */
  constructor(source: DocumentSource, basePath: string | null) {
    this.#source = source;
    this.#basePath = basePath;
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
    return this.#current;
  }

  close(): void {
    this.#stop();
    this.#source.close();
  }

  #read(): void {
    const { text } = this.#source;
    const read = text === null ? null : readDocument(text, this.#basePath);
    if (read?.ok === true) this.#current = new CompiledDocument(read.value);
  }
}
