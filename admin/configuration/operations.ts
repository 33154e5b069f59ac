// The operations on configuration: one set for all kinds. Objects keep the form of their kind; a check of their fields is the compiler's.
import { Type } from '#lib/typebox.ts';
import { KINDS } from '#api/k8s/kinds.ts';
import { adminOperation, reply, type AdminOperation, type Area } from '../api/operation.ts';
import { pageQuery } from '../api/page.ts';
import { invalid } from '../api/problem.ts';
import { changeOperations } from './change-operations.ts';
import type { ConfigurationStore } from './configuration-store.ts';
import type { ConfigurationWriter } from './configuration-writer.ts';
import { dryRunOperation } from './dry-run-operation.ts';
import { parseSelector } from './label-selector.ts';
import { PATH_EXAMPLE, SHOWN_EXAMPLE, UNKNOWN_EXAMPLE, checkedKind, inNamespace, refOf, shown } from './object-paths.ts';
import { KIND_LIST, OBJECT, OBJECT_PAGE, OBJECT_PATH, kindParameter, namespaceParameter } from './schemas.ts';

/** The operations on configuration. */
export function configurationArea(store: ConfigurationStore, writer: ConfigurationWriter): Area {
  return {
    name: 'configuration',
    summary: 'The objects of all kinds that Weir reads: in the files of a folder, or in a cluster.',
    operations: [kinds(), list(store), get(store), ...changeOperations(writer), dryRunOperation(store)],
  };
}

function kinds(): AdminOperation {
  const items = Object.values(KINDS).map(({ kind, apiVersion, namespaced }) => ({ kind, apiVersion, namespaced }));
  return adminOperation({
    id: 'configuration.kinds',
    method: 'GET',
    path: '/configuration',
    tag: 'configuration',
    summary: 'List the kinds of objects',
    permission: 'configuration:read',
    filtersNamespaces: true,
    answer: KIND_LIST,
    example: { answer: { items: items.slice(0, 1) } },
    run: () => Promise.resolve(reply({ items })),
  });
}

function list(store: ConfigurationStore): AdminOperation {
  return adminOperation({
    id: 'configuration.list',
    method: 'GET',
    path: '/configuration/{kind}',
    tag: 'configuration',
    summary: 'List objects of a kind',
    description: 'Without a namespace the caller needs the permission in all namespaces. Secrets come without their data.',
    permission: 'configuration:read',
    namespaceOf: ({ query }) => query.namespace ?? null,
    params: Type.Object({ kind: kindParameter }, { additionalProperties: false }),
    query: pageQuery({
      namespace: Type.Optional(namespaceParameter),
      labelSelector: Type.Optional(Type.String({ maxLength: 1_024, description: 'In the words of kubectl: app=shop,tier!=db.' })),
    }),
    answer: OBJECT_PAGE,
    problems: { 403: ['cluster-forbidden'], 503: ['cluster-away'] },
    example: {
      params: { kind: 'HTTPRoute' },
      query: { namespace: 'storefront' },
      answer: { items: [SHOWN_EXAMPLE], next: null },
      unknown: { kind: 'NoSuchKind' },
    },
    async run({ params, query }) {
      const kind = checkedKind(params.kind);
      if (!kind.ok) return kind;
      const selector = parseSelector(query.labelSelector ?? '');
      if (!selector.ok) return invalid([{ field: 'query.labelSelector', reason: selector.error }]);
      const { namespace = null, limit = 100, cursor = null } = query;
      const page = await store.list(kind.value, { namespace, selector: selector.value, limit, cursor });
      return page.ok ? reply({ items: page.value.items.map(shown), next: page.value.next }) : page;
    },
  });
}

function get(store: ConfigurationStore): AdminOperation {
  return adminOperation({
    id: 'configuration.get',
    method: 'GET',
    path: '/configuration/{kind}/{namespace}/{name}',
    tag: 'configuration',
    summary: 'Read an object',
    description: 'As its author wrote it. A Secret comes with the names of its entries, and without its data.',
    permission: 'configuration:read',
    namespaceOf: ({ params }) => inNamespace(params),
    params: OBJECT_PATH,
    answer: OBJECT,
    problems: { 403: ['cluster-forbidden'], 404: ['object-unknown'], 409: ['file-invalid'], 503: ['cluster-away'] },
    example: { params: PATH_EXAMPLE, answer: SHOWN_EXAMPLE, unknown: UNKNOWN_EXAMPLE },
    async run({ params }) {
      const ref = refOf(params);
      if (!ref.ok) return ref;
      const stored = await store.get(ref.value);
      return stored.ok ? reply(shown(stored.value), { etag: stored.value.etag }) : stored;
    },
  });
}
