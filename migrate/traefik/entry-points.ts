// Entry points of Traefik: names of ports, which its static configuration gives.
import type { Fields } from '../fields.ts';
import type { InputObject } from '../input.ts';
import type { Plan } from '../plan.ts';

/** The ports of a route. Without entry points: those of `otherwise`. A name without a port is told. */
export function portsOf(spec: Fields, otherwise: readonly string[], source: InputObject, plan: Plan): readonly number[] {
  const names = spec.texts('entryPoints');
  return (names.length > 0 ? names : otherwise).flatMap((name) => {
    const port = plan.options.entryPoints.get(name);
    if (port === undefined)
      plan.leftOut(source, {
        field: spec.at('entryPoints'),
        reason: `the port of the entry point ${JSON.stringify(name)} is not known`,
        advice: `say --entry-point ${name}=PORT`,
      });
    return port ?? [];
  });
}
