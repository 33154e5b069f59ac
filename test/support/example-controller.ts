// A controller that checks its input as a real one does, and answers with the examples of the document: for tests of the server around it.
import { json } from '#lib/admin-server.ts';
import { createLog } from '#lib/log.ts';
import { err, ok } from '#lib/result.ts';
import { LIVE_ROWS } from '../../admin/live/areas.ts';
import { exampleAnswer } from '../../admin/live/example-answers.ts';
import type { Live } from '../../admin/live/live.ts';
import { LocalController } from '../../admin/live/local-controller.ts';
import { operationsOf, type OperationParts } from '../../controller/operations/index.ts';
import { streamedOperation, type Operation } from '../../controller/operations/operation.ts';
import { operationRunner } from '../../controller/operations/operations.ts';

/** The operations of a controller without the parts that they need to run. */
export function controllerOperations(): readonly Operation[] {
  const nothing = { list: () => undefined };
  const parts = { fleet: { errors: nothing }, endpoints: {}, limits: nothing, window: nothing, alerts: nothing, dumps: {} };
  return operationsOf(parts as unknown as OperationParts);
}

/** Its operations. Nothing has the name or the id `none`. */
export function exampleOperations(): readonly Operation[] {
  return controllerOperations().map(({ id, input }) => streamedOperation(id, input, (fields) => Promise.resolve(run(id, fields))));
}

/** Makes it, in this process. */
export function exampleController(): Live {
  return new LocalController(operationRunner(exampleOperations(), createLog('silent')));
}

function run(id: string, fields: object): Awaited<ReturnType<Operation['run']>> {
  const unknown = Object.values(fields).includes('none');
  if (unknown) return err({ status: 404, detail: 'there is none' });
  const row = Object.values(LIVE_ROWS)
    .flatMap(({ rows }) => rows)
    .find(({ runs, pick }) => runs === id && pick === undefined);
  if (row === undefined) throw new Error(`no row runs ${id}`);
  const answer = exampleAnswer(row) as object;
  if (row.streams !== 'events') return ok(json(answer));
  return ok({
    ...{ status: 200, type: 'application/x-ndjson' },
    stream: (body) => body.write(`${JSON.stringify(answer)}\n{"proxies":[],"dropped":0}\n`),
  });
}
