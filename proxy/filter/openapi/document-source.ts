// Where the text of a document comes from: an entry of a ConfigMap, or a URL.
import { hash } from 'node:crypto';
import { MAX_DOCUMENT_BYTES } from '#api/openapi/reading.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { DataReference } from '../../exchange/object-data.ts';
import { maxAgeOf, type LoadedDocument } from '../../exchange/outside.ts';
import type { FilterDependencies } from '../filter.ts';

/** The settings of a source; one of documentRef and uri is set. */
export interface SourceSettings {
  readonly documentRef?: DataReference;
  readonly uri?: string;
  readonly ca?: DataReference;
}

/** The text of a document, now. */
export interface DocumentSource {
  /** Null while there is none. */
  readonly text: string | null;
  /** Why there is no newer text; '' if nothing is known. */
  readonly problem: string;
  /** Resolves when a text is there, if there may be one. */
  refresh(): Promise<void>;
  onChange(listener: () => void): () => void;
  close(): void;
}

type Dependencies = Pick<FilterDependencies, 'data' | 'outside' | 'documents'>;

/** Less than an exchange waits for its filters. */
const TIMEOUT_MS = 3_000;
const ACCEPT = 'application/vnd.oai.openapi, application/yaml, application/json, text/*;q=0.5';

/** The source of these settings. */
export function documentSource({ documentRef, uri, ca }: SourceSettings, dependencies: Dependencies): DocumentSource {
  return uri === undefined ? ofEntry(documentRef ?? { data: '', key: '' }, dependencies) : ofUrl(uri, ca, dependencies);
}

function ofEntry(reference: DataReference, { data }: Dependencies): DocumentSource {
  const handle = data.handle(reference);
  return {
    get text() {
      return handle.value === null ? null : handle.value.toString('utf8');
    },
    problem: '',
    refresh: () => Promise.resolve(),
    onChange: (listener) => handle.onChange(listener),
    close: () => undefined,
  };
}

function ofUrl(url: string, ca: DataReference | undefined, { data, outside, documents }: Dependencies): DocumentSource {
  const authorities = ca === undefined ? null : data.handle(ca);
  const load = async (): Promise<Result<LoadedDocument<string>>> => {
    const pem = authorities === null ? '' : authorities.value?.toString('utf8');
    if (pem === undefined) return err('cannot be asked for without its CA');
    const headers = { accept: ACCEPT };
    const answer = await outside.ask({ url, ca: pem, headers, timeout: TIMEOUT_MS, maxBytes: MAX_DOCUMENT_BYTES });
    if (!answer.ok) return answer;
    const { status, body, headers: told } = answer.value;
    if (status !== 200) return err(`answers ${status}`);
    const text = body.toString('utf8');
    const [fault] = await documents.check(text);
    if (fault !== undefined) return err(`sends no usable document: ${fault}`);
    return ok({ value: text, digest: hash('sha256', body), maxAge: maxAgeOf(told['cache-control']) });
  };
  const handle = outside.documents.open({ key: JSON.stringify(['openapi', url, ca ?? null]), load });
  return {
    get text() {
      return handle.value;
    },
    get problem() {
      return handle.problem === '' ? '' : `${url} ${handle.problem}`;
    },
    refresh: () => handle.refresh(),
    onChange: (listener) => handle.onChange(listener),
    close: () => handle.close(),
  };
}
