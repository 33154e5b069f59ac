// The operation that proposes changes to the source of objects.
import { Type } from '#lib/typebox.ts';
import { adminOperation, reply, type Area } from '../api/operation.ts';
import { changesOf, CHANGES_EXAMPLE, type GivenChange } from '../configuration/dry-run-operation.ts';
import { CHANGE_PROBLEMS, MAX_BODY_BYTES } from '../configuration/object-paths.ts';
import { CHANGE_SET } from '../configuration/schemas.ts';
import { objectId } from '#api/k8s/object.ts';
import type { Proposals } from './proposals.ts';

const CLOSED = { additionalProperties: false };
const PROPOSED = Type.Object(
  {
    branch: Type.String(),
    commit: Type.String(),
    files: Type.Array(Type.String(), { description: 'The files that change.' }),
    url: Type.String({ description: 'Of the pull request, or where the server lets one be made; empty for none.' }),
    note: Type.String({ description: 'Why there is no pull request; empty if there is one.' }),
  },
  CLOSED,
);
const BODY = Type.Object(
  {
    ...CHANGE_SET.properties,
    title: Type.Optional(Type.String({ minLength: 1, maxLength: 200, pattern: '^[^\\u0000-\\u001f]*$' })),
    description: Type.Optional(Type.String({ maxLength: 10_000 })),
  },
  CLOSED,
);

const PROBLEMS = {
  ...CHANGE_PROBLEMS,
  404: [...CHANGE_PROBLEMS[404], 'source-unknown'],
  409: ['file-not-editable', 'object-exists', 'source-ambiguous', 'source-unchanged'],
  422: [...CHANGE_PROBLEMS[422], 'secret-not-proposed'],
  502: ['git-failed'],
};
const EXAMPLE = {
  body: { ...CHANGES_EXAMPLE, title: 'Remove the cart' },
  answer: {
    branch: 'weir/httproute-storefront-cart-5c0e9a1b',
    commit: '3f1d2c6c0a0b4d5e8f7a9b8c7d6e5f4a3b2c1d0e',
    files: ['shop.yaml'],
    url: 'https://git.example.com/shop/config/pulls/7',
    note: '',
  },
};

/** The area with its one operation. */
export function proposalArea(proposals: Pick<Proposals, 'propose'>): Area {
  return { name: 'proposals', summary: 'Changes to the source of objects in a git repository.', operations: [propose(proposals)] };
}

function propose(proposals: Pick<Proposals, 'propose'>) {
  return adminOperation({
    id: 'proposals.create',
    method: 'POST',
    path: '/proposals',
    tag: 'proposals',
    summary: 'Propose changes as a pull request',
    description:
      'Edits the files that define the objects, with their comments, on a new branch. The caller needs the permission in the namespace of each change. Secrets are not written to a repository.',
    permission: 'configuration:write',
    filtersNamespaces: true,
    body: BODY,
    maxBodyBytes: MAX_BODY_BYTES,
    status: 201,
    answer: PROPOSED,
    problems: PROBLEMS,
    example: EXAMPLE,
    async run({ body }, { caller, changed }) {
      const changes = changesOf(body.changes as readonly GivenChange[], caller, 'configuration:write');
      if (!changes.ok) return changes;
      const names = changes.value.map(({ ref }) => objectId(ref)).join(', ');
      const { title = `Change ${names}`.slice(0, 200), description = '' } = body;
      const done = await proposals.propose({ changes: changes.value, title, description, author: caller.name });
      if (!done.ok) return done;
      changed({ object: `branch/${done.value.branch}`, before: null, after: { ...done.value } });
      return reply(structuredClone({ ...done.value, files: [...done.value.files] }));
    },
  });
}
