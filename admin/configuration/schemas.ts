// The schemas of the operations on configuration.
import { Type } from '#lib/typebox.ts';
import { KIND_ORDER } from '#api/ir/ir.ts';
import { pageOf } from '../api/page.ts';

const closed = { additionalProperties: false };
/** Changes of one dry run. */
const MAX_CHANGES = 100;

/** The kind in a path; an operation answers 404 for one that Weir does not read. */
export const kindParameter = Type.String({ pattern: '^[A-Z][A-Za-z0-9]{0,62}$', description: 'A kind that Weir reads, like HTTPRoute.' });
/** The namespace in a path or query; of a kind without namespaces it is `-`. */
export const namespaceParameter = Type.String({ minLength: 1, maxLength: 63, description: 'A namespace; - for kinds without namespaces.' });

const NAMED = {
  kind: kindParameter,
  namespace: namespaceParameter,
  name: Type.String({ minLength: 1, maxLength: 253, description: 'The name of the object.' }),
};

/** The path of an object. */
export const OBJECT_PATH = Type.Object(NAMED, closed);

/** A Kubernetes object. Its fields are checked by its kind. */
export const JSON_OBJECT = Type.Object({}, { additionalProperties: true, description: 'A Kubernetes object.' });

const PLACE = Type.Object({ file: Type.String({ description: 'Relative to the folder.' }), line: Type.Integer() }, closed);

/** An object with its ETag. */
export const OBJECT = Type.Object(
  {
    object: JSON_OBJECT,
    etag: Type.String({ description: 'Changes with each change of the object; send it back in If-Match.' }),
    place: Type.Union([PLACE, Type.Null()], { description: 'Where a folder defines it; null in a cluster.' }),
    entries: Type.Optional(Type.Array(Type.String(), { description: 'The names of the entries of a Secret.' })),
  },
  closed,
);

/** A page of objects. */
export const OBJECT_PAGE = pageOf(OBJECT);

/** All kinds. */
export const KIND_LIST = Type.Object(
  {
    items: Type.Array(Type.Object({ kind: Type.String(), apiVersion: Type.String(), namespaced: Type.Boolean() }, closed)),
  },
  closed,
);

const STEP = Type.Object(
  {
    op: Type.Enum(['add', 'remove', 'replace', 'move', 'copy', 'test']),
    path: Type.String({ maxLength: 1_024 }),
    from: Type.Optional(Type.String({ maxLength: 1_024 })),
    value: Type.Optional(Type.Unknown()),
  },
  closed,
);
const PATCH_MEMBERS = {
  merge: Type.Optional(Type.Object({}, { additionalProperties: true, description: 'A JSON merge patch (RFC 7386).' })),
  json: Type.Optional(Type.Array(STEP, { maxItems: 1_000, description: 'A JSON patch (RFC 6902).' })),
};

/** Whether a change takes fields over. */
export const FORCE = Type.Optional(
  Type.Boolean({ description: 'Take over fields that other programs have set in the cluster; in a folder no field has such an owner.' }),
);

/** A patch: `merge` or `json`. */
export const PATCH = Type.Object(PATCH_MEMBERS, closed);

/** Changes to try together. */
export const CHANGE_SET = Type.Object(
  {
    changes: Type.Array(
      Type.Object(
        {
          ...NAMED,
          operation: Type.Enum(['create', 'replace', 'patch', 'delete']),
          object: Type.Optional(JSON_OBJECT),
          ...PATCH_MEMBERS,
          etag: Type.Optional(Type.String({ maxLength: 256 })),
          force: FORCE,
        },
        closed,
      ),
      { minItems: 1, maxItems: MAX_CHANGES },
    ),
  },
  closed,
);

const REF = Type.Object({ kind: Type.String(), namespace: Type.String(), name: Type.String() }, closed);
const FIELD = Type.Object(
  { path: Type.String(), before: Type.Optional(Type.Unknown()), after: Type.Optional(Type.Unknown()) },
  { ...closed, description: 'A field with its values; without before it is new, without after it goes.' },
);
const CHANGED = Type.Object(
  { ref: REF, change: Type.Enum(['created', 'changed', 'deleted', 'unchanged']), fields: Type.Array(FIELD) },
  closed,
);
const STATE = Type.Union([Type.Object({ status: Type.String(), reason: Type.String(), message: Type.String() }, closed), Type.Null()]);
const CONDITION = Type.Object({ ref: REF, part: Type.String(), type: Type.String(), before: STATE, after: STATE }, closed);
const RESOURCE = Type.Object(
  {
    kind: Type.Enum([...KIND_ORDER]),
    key: Type.String(),
    origin: REF,
    change: Type.Enum(['added', 'removed', 'changed']),
    fields: Type.Array(Type.String()),
  },
  closed,
);
const PROBLEM = Type.Object(
  {
    severity: Type.Enum(['error', 'warning', 'info']),
    file: Type.String(),
    line: Type.Integer(),
    object: Type.String(),
    field: Type.String(),
    reason: Type.String(),
  },
  closed,
);

/** The effects of changes. */
export const DRY_RUN = Type.Object(
  {
    objects: Type.Array(CHANGED),
    resources: Type.Array(RESOURCE, { description: 'Resources of proxies that are added, removed or changed.' }),
    listeners: Type.Array(Type.String(), { description: 'Listeners that change, or whose routes do.' }),
    conditions: Type.Array(CONDITION),
    problems: Type.Array(PROBLEM, { description: 'Problems that the changes cause.' }),
    solved: Type.Array(PROBLEM, { description: 'Problems that the changes solve.' }),
  },
  closed,
);
