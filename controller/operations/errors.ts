// The failures of all proxies in groups, and one group with its samples.
import { Type } from '#lib/typebox.ts';
import type { Static } from '#lib/typebox.ts';
import { err, ok } from '#lib/result.ts';
import type { ErrorList, FleetErrors, SeenErrorGroup } from '../telemetry/errors/fleet-errors.ts';
import { invalid, operation } from './operation.ts';
import type { Operation, Outcome } from './operation.ts';

/** The answer to `GET /errors`. */
export interface ErrorAnswer extends ErrorList {
  /** Groups that have no room in this answer. */
  readonly more: number;
}

/** Groups in an answer. */
const MAX_TOP = 1_000;

const Text = Type.Optional(Type.String({ minLength: 1, maxLength: 512 }));
const ErrorsInput = Type.Object(
  {
    /** Of one group: with its samples. */
    id: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    code: Text,
    /** The key of a route or a backend, or its beginning up to a '/', with or without the kind. */
    route: Text,
    backend: Text,
    top: Type.String({ pattern: '^[1-9][0-9]{0,3}$', default: '50' }),
  },
  { additionalProperties: false },
);
type Input = Static<typeof ErrorsInput>;

/** `GET /errors`. */
export function errorOperations(errors: FleetErrors): readonly Operation[] {
  return [operation('GET /errors', ErrorsInput, (input) => answer(errors, input))];
}

async function answer(errors: FleetErrors, input: Input): Promise<Outcome> {
  const top = Number(input.top);
  if (top > MAX_TOP) return invalid([{ field: 'top', reason: `must be at most ${MAX_TOP}` }]);
  const { groups, missing } = await errors.list(input.id ?? null);
  if (input.id !== undefined && groups.length === 0)
    return err({ status: 404, detail: `no failures have the id ${JSON.stringify(input.id)}; weir errors lists the groups` });
  const meant = groups.filter((group) => fits(group, input));
  return ok({ groups: meant.slice(0, top), more: Math.max(0, meant.length - top), missing } satisfies ErrorAnswer);
}

function fits(group: SeenErrorGroup, { code, route, backend }: Input): boolean {
  return (code === undefined || group.code === code) && isNamed(group.route, route) && isNamed(group.backend, backend);
}

/** Whether a key has this beginning, with or without its kind. */
function isNamed(key: string, name: string | undefined): boolean {
  if (name === undefined || key === name) return true;
  const [, ...rest] = key.split('/');
  return key.startsWith(`${name}/`) || `${rest.join('/')}/`.startsWith(`${name}/`);
}
