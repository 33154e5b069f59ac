// Reads OpenAPI documents and compiles their schemas in a thread of its own, which starts with the first large document: the worker serves
// requests meanwhile.
import { Worker } from 'node:worker_threads';
import { checkDocument, describeFault } from '#api/openapi/document.ts';
import type { ValidatorCode } from '#api/openapi/validator.ts';
import type { CompilerAnswer, CompilerResult, CompilerTask, SchemaPlace } from './compiler-thread.ts';

/** Characters of a document that is read and compiled at once, in the time of some requests. */
const SMALL = 4_096;
/** The longest time of one task, milliseconds. */
const TASK_MS = 60_000;
/** Of the thread. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 512 };

/** Compiles the schemas at places of one document: a code for each, or null if there can be none. */
export interface DocumentCompilation {
  compile(places: readonly SchemaPlace[]): Promise<readonly (ValidatorCode | null)[]>;
  /** The document is not in use any more. */
  close(): void;
}

interface Task {
  readonly settle: (result: CompilerResult) => void;
  readonly timer: NodeJS.Timeout;
}

/** Whether a document needs no thread. */
export function isSmall(text: string): boolean {
  return text.length <= SMALL;
}

export class DocumentCompiler {
  #thread: Worker | null = null;
  readonly #tasks = new Map<number, Task>();
  /** The documents that the thread has. */
  readonly #known = new Set<number>();
  #lastId = 0;
  #lastDocument = 0;

  /** The faults of a document, with those of its schemas. */
  async check(text: string): Promise<readonly string[]> {
    if (isSmall(text)) return checkDocument(text).map((fault) => describeFault(text, fault));
    const faults = await this.#run((id) => ({ type: 'check', id, text }));
    return faults === null ? ['the document takes too long, or too much memory'] : (faults as readonly string[]);
  }

  /** The document as JSON, which takes little time to read; null: it cannot be read. */
  async read(text: string): Promise<string | null> {
    return (await this.#run((id) => ({ type: 'read', id, text }))) as string | null;
  }

  /** Takes a document whose schemas will be compiled. */
  open(text: string): DocumentCompilation {
    const document = ++this.#lastDocument;
    let isClosed = false;
    const forget = (): void => {
      if (this.#known.delete(document)) this.#thread?.postMessage({ type: 'forget', document } satisfies CompilerTask);
    };
    return {
      compile: async (places) => {
        const codes = await this.#run((id) => ({ type: 'compile', id, document, text: this.#known.has(document) ? null : text, places }));
        // An exchange may have begun with a version that is replaced.
        if (isClosed) forget();
        return (codes ?? places.map(() => null)) as readonly (ValidatorCode | null)[];
      },
      close: () => {
        isClosed = true;
        forget();
      },
    };
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    await this.#thread?.terminate();
  }

  /** Null: the task took too long, or the thread ended before its result. */
  #run(make: (id: number) => CompilerTask): Promise<CompilerResult> {
    const thread = this.#thread ?? this.#start();
    const id = ++this.#lastId;
    const task = make(id);
    if (task.type === 'compile') this.#known.add(task.document);
    const timer = setTimeout(() => void thread.terminate(), TASK_MS).unref();
    return new Promise((settle) => {
      this.#tasks.set(id, { settle, timer });
      thread.postMessage(task);
    });
  }

  /** The next task starts another thread after the end of this one. */
  #start(): Worker {
    const thread = new Worker(new URL('./compiler-thread.ts', import.meta.url), { env: {}, resourceLimits: RESOURCE_LIMITS });
    this.#thread = thread;
    thread.on('message', ({ id, result }: CompilerAnswer) => this.#settle(id, result));
    thread.on('error', () => this.#ended(thread));
    thread.on('exit', () => this.#ended(thread));
    thread.unref();
    return thread;
  }

  #settle(id: number, result: CompilerResult): void {
    const task = this.#tasks.get(id);
    if (task === undefined) return;
    this.#tasks.delete(id);
    clearTimeout(task.timer);
    task.settle(result);
  }

  #ended(thread: Worker): void {
    if (this.#thread !== thread) return;
    this.#thread = null;
    this.#known.clear();
    for (const id of [...this.#tasks.keys()]) this.#settle(id, null);
  }
}
