// The thread that reads OpenAPI documents and compiles their schemas, which takes up to seconds for large and dense ones.
import { parentPort } from 'node:worker_threads';
import { checkDocument, describeFault, readDocument, type ApiDocument } from '#api/openapi/document.ts';
import type { DocumentPath } from '#api/openapi/faults.ts';
import { parseText } from '#api/openapi/reading.ts';
import type { Direction } from '#api/openapi/schemas.ts';
import { compiledSchemas, type ValidatorCode } from '#api/openapi/validator.ts';

/** A schema by its place in the document. */
export interface SchemaPlace {
  readonly path: DocumentPath;
  readonly direction: Direction;
}

/** `forget` has no result. `document`: its number; `text` is there for the first task about it. */
export type CompilerTask =
  | { readonly type: 'check'; readonly id: number; readonly text: string }
  | { readonly type: 'read'; readonly id: number; readonly text: string }
  | {
      readonly type: 'compile';
      readonly id: number;
      readonly document: number;
      readonly text: string | null;
      readonly places: readonly SchemaPlace[];
    }
  | { readonly type: 'forget'; readonly document: number };

/** The faults of a document; its text as JSON, or null if it cannot be read; a code for each place, or null if there can be none. */
export type CompilerResult = readonly string[] | string | null | readonly (ValidatorCode | null)[];

export interface CompilerAnswer {
  readonly id: number;
  readonly result: CompilerResult;
}

const documents = new Map<number, ApiDocument>();

parentPort?.on('message', (task: CompilerTask) => {
  if (task.type === 'forget') documents.delete(task.document);
  else parentPort?.postMessage({ id: task.id, result: resultOf(task) } satisfies CompilerAnswer);
});

function resultOf(task: Exclude<CompilerTask, { readonly type: 'forget' }>): CompilerResult {
  switch (task.type) {
    case 'check':
      return checkDocument(task.text).map((fault) => describeFault(task.text, fault));
    case 'read':
      return jsonOf(task.text);
    case 'compile':
      return task.places.map((place) => codeOf(documentOf(task.document, task.text), place));
  }
}

function jsonOf(text: string): string | null {
  const parsed = parseText(text);
  return parsed.ok ? JSON.stringify(parsed.value) : null;
}

function documentOf(number: number, text: string | null): ApiDocument | null {
  const known = documents.get(number);
  if (known !== undefined || text === null) return known ?? null;
  const read = readDocument(text, '');
  if (read.ok) documents.set(number, read.value);
  return read.ok ? read.value : null;
}

function codeOf(document: ApiDocument | null, { path, direction }: SchemaPlace): ValidatorCode | null {
  if (document === null) return null;
  try {
    return compiledSchemas(document.translate(document.references.at(path), direction));
  } catch {
    return null;
  }
}
