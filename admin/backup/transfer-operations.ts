// The configuration as a YAML file of many documents: written for other installations, and applied as a set of changes.
import { Type } from '#lib/typebox.ts';
import type { KindName } from '#api/k8s/kinds.ts';
import { refOf as refOfObject } from '#api/k8s/object.ts';
import type { JsonObject } from '#lib/canonical-json.ts';
import { equalJson } from '#lib/json-value.ts';
import { ok, type Result } from '#lib/result.ts';
import { parseDocuments, type FileContent } from '../../controller/watch/documents.ts';
import { decodeText } from '../../controller/watch/file-text.ts';
import { adminOperation, reply, stream, type AdminOperation, type Caller } from '../api/operation.ts';
import { refuse, type AdminProblem } from '../api/problem.ts';
import type { ChangeSet, ChangeSets, RefusedObject } from '../configuration/change-sets.ts';
import type { ConfigurationStore, ObjectChange } from '../configuration/configuration-store.ts';
import { newText, writtenObjects } from '../configuration/file-edit.ts';
import { hidesData } from '../configuration/hidden-data.ts';
import { DRY_RUN_PROBLEMS, inNamespace } from '../configuration/object-paths.ts';
import { checkedRef } from '../configuration/planned-change.ts';
import { namespaceParameter } from '../configuration/schemas.ts';
import { contentOf } from '../revisions/revision.ts';
import { orderOf, versionInForce } from '../revisions/rollback.ts';
import { CHANGES_REPORT } from '../revisions/schemas.ts';
import { objectsOf } from './backup.ts';

const CLOSED = { additionalProperties: false };
/** As for a file of a folder. */
const MAX_BYTES = 4 * 1_048_576;
/** The name of the file in messages. */
const FILE = 'import.yaml';
/** Errors that a refusal lists. */
const MAX_ERRORS = 20;

const IMPORT_QUERY = Type.Object(
  {
    dryRun: Type.Optional(Type.Boolean({ description: 'Tell only what it would do.' })),
    skipRefused: Type.Optional(Type.Boolean({ description: 'Leave objects that are refused as they are.' })),
  },
  CLOSED,
);

const EXAMPLE = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: checkout, namespace: storefront }
spec: { parentRefs: [{ name: edge }], rules: [{ backendRefs: [{ name: cart, port: 80 }] }] }
`;

/** Export and import. */
export function transferOperations(store: ConfigurationStore, sets: ChangeSets): readonly AdminOperation[] {
  return [exportOperation(store), importOperation(store, sets)];
}

function exportOperation(store: ConfigurationStore): AdminOperation {
  return adminOperation({
    ...{ id: 'configuration.export', method: 'GET', path: '/configuration-export', tag: 'configuration', permission: 'configuration:read' },
    summary: 'Export all objects as YAML',
    description:
      'One document for each object, without what a server sets. Secrets are left out. Without a namespace the caller needs the permission in all.',
    namespaceOf: ({ query }) => (query.namespace === undefined ? null : inNamespace({ namespace: query.namespace })),
    audited: true,
    streams: 'application/yaml',
    query: Type.Object({ namespace: Type.Optional(namespaceParameter) }, CLOSED),
    answer: Type.String(),
    example: { query: { namespace: 'storefront' } },
    run: ({ query }) => Promise.resolve(stream(documentsOf(store, query.namespace ?? null))),
  });
}

async function* documentsOf(store: ConfigurationStore, namespace: string | null): AsyncIterable<string> {
  for await (const { ref, object } of objectsOf(store, namespace)) if (!hidesData(ref)) yield `---\n${newText(contentOf(object))}`;
}

function importOperation(store: ConfigurationStore, sets: ChangeSets): AdminOperation {
  return adminOperation({
    ...{
      id: 'configuration.import',
      method: 'POST',
      path: '/configuration-import',
      tag: 'configuration',
      permission: 'configuration:write',
    },
    filtersNamespaces: true,
    summary: 'Create and replace the objects of a YAML file',
    description:
      'All of them, or none if one is refused. Objects that the file does not have stay. The caller needs the permission in the namespace of each object.',
    upload: 'application/yaml',
    maxBodyBytes: MAX_BYTES,
    query: IMPORT_QUERY,
    answer: CHANGES_REPORT,
    problems: {
      ...DRY_RUN_PROBLEMS,
      409: [...DRY_RUN_PROBLEMS[409], 'import-refused', 'import-incomplete'],
      422: [...DRY_RUN_PROBLEMS[422], 'import-invalid'],
    },
    example: {
      query: { dryRun: true },
      upload: Buffer.from(EXAMPLE),
      answer: { dryRun: true, objects: [], resources: [], listeners: [], conditions: [], problems: [], solved: [], refused: [] },
    },
    async run({ upload, query }, context) {
      const objects = objectsIn(decodeText(Buffer.from(upload)), context.caller);
      if (!objects.ok) return objects;
      const { dryRun = false, skipRefused = false } = query;
      const done = await sets.run(await planned(store, objects.value), { dryRun, skipRefused, refusal: 'import-refused' }, context);
      return done.ok ? reply(done.value) : done;
    },
  });
}

/** An object of the file, as it is written there. */
type Given = Pick<ObjectChange, 'ref'> & { readonly object: JsonObject };

/** The objects of a file, all in namespaces that the caller may change. */
function objectsIn(text: string, caller: Caller): Result<readonly Given[], AdminProblem> {
  const content = parseDocuments(FILE, text, { strictKinds: true });
  const invalid = invalidIn(content);
  if (invalid !== null) return invalid;
  const written = writtenObjects(text, content.objects);
  const given: Given[] = [];
  for (const [i, { object: read }] of content.objects.entries()) {
    const { kind, namespace, name } = refOfObject(read);
    const ref = checkedRef(kind as KindName, namespace, name);
    const object = written[i] ?? null;
    if (!ref.ok) return ref;
    if (!caller.may('configuration:write', namespace === '' ? null : namespace))
      return refuse(403, 'permission-needed', `this needs the permission configuration:write in namespace ${JSON.stringify(namespace)}`);
    if (object !== null) given.push({ ref: ref.value, object });
  }
  return ok(given);
}

function invalidIn({ problems }: FileContent): Result<never, AdminProblem> | null {
  const errors = problems
    .filter(({ severity }) => severity === 'error')
    .map(({ line, object, field, reason }) => ({
      field: [`line ${line}`, object, field].filter((part) => part !== '').join(' '),
      reason,
    }));
  if (errors.length === 0) return null;
  return refuse(422, 'import-invalid', `nothing is imported, since the file has ${errors.length} errors`, {
    errors: errors.slice(0, MAX_ERRORS),
  });
}

async function planned(store: ConfigurationStore, given: readonly Given[]): Promise<ChangeSet> {
  const changes: ObjectChange[] = [];
  const refused: RefusedObject[] = [];
  for (const { ref, object } of given) {
    const current = await versionInForce(store, ref);
    if (!current.ok) refused.push({ ref, problem: current.error });
    else if (current.value.content === null) changes.push({ ref, operation: 'create', object });
    else if (hidesData(ref) || !equalJson(current.value.content, contentOf(object)))
      changes.push({ ref, operation: 'replace', object, etag: current.value.etag });
  }
  return { changes: changes.toSorted((a, b) => orderOf(a) - orderOf(b)), refused };
}
