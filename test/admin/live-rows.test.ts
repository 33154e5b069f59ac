// The rows of live state: no operation of a controller is missing, and a controller that is away costs an answer, not a hang.
import { describe, expect, test } from '@jest/globals';
import type { TObject } from '#lib/typebox.ts';
import { createLog } from '#lib/log.ts';
import { isAudited, type AdminOperation } from '../../admin/api/operation.ts';
import { LIVE_ROWS } from '../../admin/live/areas.ts';
import { Controllers } from '../../admin/live/controllers.ts';
import { controllerOperations, exampleController } from '../support/example-controller.ts';
import { operationsAt, runLive } from '../support/live-operations.ts';

/** Fields that the admin program sets itself. */
const OWN_FIELDS: Readonly<Record<string, readonly string[]>> = { 'PUT /endpoints': ['origin'], 'POST /alerts/silences': ['author'] };

/** Operations that the admin program runs by itself. */
const OWN_OPERATIONS: readonly string[] = ['POST /alerts/told'];

const ROWS = Object.values(LIVE_ROWS).flatMap(({ rows }) => rows);

function fieldsOf(schema: TObject | undefined): readonly string[] {
  return Object.keys(schema?.properties ?? {});
}

describe('the rows', () => {
  const offered = controllerOperations().filter(({ id }) => !OWN_OPERATIONS.includes(id));
  const known = new Map(offered.map((operation) => [operation.id, operation.input]));

  test('run every operation of a controller, and no other', () => {
    expect([...new Set(ROWS.map(({ runs }) => runs))].toSorted()).toEqual([...known.keys()].toSorted());
  });

  test.each([...known.keys()])('take every field of %s, and no other', (id) => {
    const taken = ROWS.filter(({ runs }) => runs === id).flatMap(({ params, query, body, pick }) => [
      ...(pick === undefined ? fieldsOf(params) : []),
      ...fieldsOf(query),
      ...fieldsOf(body),
    ]);
    expect([...new Set([...taken, ...(OWN_FIELDS[id] ?? [])])].toSorted()).toEqual(fieldsOf(known.get(id)).toSorted());
  });

  test('have an id, a path with its method, and inputs that are closed', () => {
    expect(new Set(ROWS.map(({ id }) => id)).size).toBe(ROWS.length);
    expect(new Set(ROWS.map(({ method, path: of }) => `${method} ${of}`)).size).toBe(ROWS.length);
    for (const { params, query, body } of ROWS)
      for (const schema of [params, query, body]) if (schema !== undefined) expect(schema).toMatchObject({ additionalProperties: false });
  });

  test('name a change for each method that changes, besides questions and files', () => {
    const silent = ROWS.filter(({ method, changes, streams }) => method !== 'GET' && changes === undefined && streams === undefined);
    expect(silent.map(({ id }) => id)).toEqual(['window.query']);
    expect(isAudited(operationsAt(exampleController()).get('window.query') as AdminOperation)).toBe(false);
  });
});

describe('without a controller', () => {
  const none = operationsAt(
    new Controllers({ addresses: [], tls: { ca: '', certificate: '', privateKey: '' }, serverName: '', log: createLog('silent') }),
  );

  test.each(ROWS.map((row) => [row.id, row] as const))('%s answers 503 with the reason', async (id, { example }) => {
    const { outcome, changes } = await runLive(none, id, example);
    expect(outcome).toMatchObject({ ok: false, error: { status: 503, code: 'controllers-away', detail: 'no controller is configured' } });
    expect(changes).toEqual([]);
  });

  test('the list of controllers answers', async () => {
    expect((await runLive(none, 'controllers.list')).outcome).toMatchObject({ ok: true, value: { body: { controllers: [] } } });
  });
});
