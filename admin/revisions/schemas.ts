// The schemas of the operations on revisions.
import { Type } from '#lib/typebox.ts';
import { JSON_OBJECT, DRY_RUN, kindParameter, namespaceParameter } from '../configuration/schemas.ts';

const CLOSED = { additionalProperties: false };
const text = (description: string) => Type.String({ description });
const MAX_REVISION = Number.MAX_SAFE_INTEGER;

/** The number of a revision. */
export const revisionNumber = Type.Integer({ minimum: 1, maximum: MAX_REVISION, description: 'The number of a revision.' });
/** A moment, RFC 3339. */
export const momentText = Type.String({ minLength: 1, maxLength: 64, description: 'A time, RFC 3339.' });

/** The members of a query that choose revisions. */
export const FILTER = {
  kind: Type.Optional(kindParameter),
  namespace: Type.Optional(namespaceParameter),
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 253, description: 'The name of the object.' })),
  actor: Type.Optional(
    Type.String({ minLength: 1, maxLength: 1_024, description: 'The name of the author: a user, a field manager, a file.' }),
  ),
  origin: Type.Optional(Type.Enum(['api', 'folder', 'kubernetes'], { description: 'The way by which the change came.' })),
  since: Type.Optional(momentText),
  until: Type.Optional(momentText),
};

const REVISION_MEMBERS = {
  revision: revisionNumber,
  at: text('When it came into force, by the clock of the store.'),
  kind: Type.String(),
  namespace: text('Empty for kinds without namespaces.'),
  name: Type.String(),
  hash: Type.Union([Type.String(), Type.Null()], { description: 'The SHA-256 of the canonical JSON; null: the object was deleted.' }),
  origin: Type.Enum(['api', 'folder', 'kubernetes'], {
    description: 'api: a caller of this API; folder: a file that was edited; kubernetes: another client of the API server.',
  }),
  actor: Type.Object(
    { kind: Type.Enum(['user', 'token', 'serviceAccount', 'anonymous', 'program']), id: Type.String(), name: Type.String() },
    { ...CLOSED, description: 'program: a field manager of Kubernetes, or a file.' },
  ),
  reason: text('Why, in the words of the author.'),
  requestId: text('The id of the request, as in the audit log.'),
};

/** A revision without its object. */
export const REVISION = Type.Object(REVISION_MEMBERS, CLOSED);
/** A revision with its object. */
export const REVISION_WITH_OBJECT = Type.Object(
  {
    ...REVISION_MEMBERS,
    object: Type.Union([JSON_OBJECT, Type.Null()], {
      description: 'The whole object, without what a server sets; null: it was deleted. A Secret has the names of its entries only.',
    }),
  },
  CLOSED,
);

const FIELD = Type.Object(
  { path: Type.String(), before: Type.Optional(Type.Unknown()), after: Type.Optional(Type.Unknown()) },
  { ...CLOSED, description: 'A field with its values; without before it is new, without after it goes.' },
);
const { objects: _, ...EFFECTS } = DRY_RUN.properties;

/** The difference between two versions of an object. */
export const DIFFERENCE = Type.Object(
  {
    from: Type.Union([revisionNumber, Type.Null()], { description: 'Null: what is in force.' }),
    to: Type.Union([revisionNumber, Type.Null()], { description: 'Null: what is in force.' }),
    fields: Type.Array(FIELD),
    effects: Type.Union([Type.Object(EFFECTS, CLOSED), Type.Null()], {
      description: 'By the compiler, with all other objects as they are in force; null: one of the two is not possible any more.',
    }),
  },
  CLOSED,
);

const REFUSED = Type.Object(
  {
    ref: Type.Object({ kind: Type.String(), namespace: Type.String(), name: Type.String() }, CLOSED),
    code: text('The code of the refusal.'),
    detail: text('Why, and what to do.'),
  },
  CLOSED,
);

/** What a set of changes has done, or would do. */
export const CHANGES_REPORT = Type.Object(
  {
    dryRun: Type.Boolean({ description: 'True: nothing was changed.' }),
    ...DRY_RUN.properties,
    refused: Type.Array(REFUSED, { description: 'Objects that stay as they are, and why.' }),
  },
  CLOSED,
);

/** A moment to roll back to: after a revision, or at a time. */
export const ROLLBACK = Type.Object(
  {
    revision: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_REVISION, description: 'The state after this revision.' })),
    time: Type.Optional(momentText),
    namespaces: Type.Optional(
      Type.Array(namespaceParameter, {
        minItems: 1,
        maxItems: 1_000,
        description: 'Only objects in these; by default in all of the caller.',
      }),
    ),
    kinds: Type.Optional(Type.Array(kindParameter, { minItems: 1, maxItems: 100, description: 'Only objects of these kinds.' })),
    dryRun: Type.Optional(Type.Boolean({ description: 'Tell only what it would do.' })),
    skipRefused: Type.Optional(
      Type.Boolean({ description: 'Leave objects that cannot be rolled back as they are; by default nothing is changed then.' }),
    ),
  },
  CLOSED,
);
