// The types of the services of a backend, kept by all filters of a worker that want them: asked for again from time to time, and in use while
// the backend is away.
import { hash } from 'node:crypto';
import { readFileDescriptors } from '#lib/protobuf/descriptor-set.ts';
import type { Schema } from '#lib/protobuf/types.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { DocumentHandle, LoadedDocument } from '../../exchange/outside.ts';
import type { FilterDependencies } from '../filter.ts';
import { reflect } from './reflection.ts';

/** The types of the services of a cluster (key). */
export function reflectedSchema(cluster: string, { ask, outside }: Pick<FilterDependencies, 'ask' | 'outside'>): DocumentHandle<Schema> {
  let last: LoadedDocument<Schema> | null = null;
  const load = async (): Promise<Result<LoadedDocument<Schema>>> => {
    const files = await reflect(ask, cluster);
    if (!files.ok) return files;
    const digest = digestOf(files.value);
    // To read descriptors costs more than to ask for them.
    if (last?.digest === digest) return ok(last);
    const schema = readFileDescriptors(files.value);
    if (!schema.ok) return err(`tells descriptors that cannot be used: ${schema.error}`);
    last = { value: schema.value, digest, maxAge: null };
    return ok(last);
  };
  return outside.documents.open({ key: JSON.stringify(['grpc-reflection', cluster]), load });
}

/** The same for the same files in another order. */
function digestOf(files: readonly Buffer[]): string {
  return hash(
    'sha256',
    files
      .map((file) => hash('sha256', file))
      .sort()
      .join(),
  );
}
