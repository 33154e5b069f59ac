// Whether the admin program works: for probes, and for people that look for the reason of a failure.
import { Type } from '#lib/typebox.ts';
import { WEIR_VERSION } from '#lib/version.ts';
import { adminOperation, reply, type Area } from './operation.ts';

/** A part of the program that can be away, such as its store. */
export interface Health {
  /** Why each part that is away is away, by its name. */
  troubles(): Readonly<Record<string, string>>;
}

const ANSWER = Type.Object(
  {
    status: Type.Enum(['ok', 'degraded'], { description: 'degraded: some operations are refused.' }),
    version: Type.String({ description: 'The version of Weir.' }),
    away: Type.Array(Type.String(), { description: 'The names of the parts that are away.' }),
  },
  { additionalProperties: false },
);

/** The operations about health. */
export function healthArea(health: Health): Area {
  const get = adminOperation({
    id: 'health.get',
    method: 'GET',
    path: '/health',
    tag: 'health',
    summary: 'Tell whether the admin API works',
    description: 'Needs no credentials, so it names the parts that are away, and not the reason.',
    permission: null,
    answer: ANSWER,
    example: { answer: { status: 'ok', version: '1.4.0', away: [] } },
    run() {
      const away = Object.keys(health.troubles());
      return Promise.resolve(reply({ status: away.length === 0 ? ('ok' as const) : ('degraded' as const), version: WEIR_VERSION, away }));
    },
  });
  return { name: 'health', summary: 'Whether the admin API works.', operations: [get] };
}
