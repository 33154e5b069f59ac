// Each way in which a backend misbehaves has one code, one status, one count and one line of the log, as docs/reference/errors.md says; it
// harms no other route, and leaves nothing behind.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { closeAfterAll } from '../support/fixture.ts';
import { tableUnder } from '../support/markdown.ts';
import { BAD_BACKENDS } from './bad-backends.ts';
import type { Protocol } from './bad-backends.ts';
import { BadRig } from './bad-rig.ts';
import type { Counts } from './bad-rig.ts';

closeAfterAll();

const PAGE = path.resolve(import.meta.dirname, '..', '..', 'docs', 'reference', 'errors.md');
const ROWS = tableUnder(readFileSync(PAGE, 'utf8'), '## Bad backends');

/** A deadline of the route abandons the attempt, and an answer that is not gRPC is an answer. */
const WITHOUT_FAILED_ATTEMPT = ['request_timeout', 'upstream_not_grpc'];

interface Expected {
  readonly code: string;
  /** That of HTTP, or of gRPC. */
  readonly status: string;
  /** The answer had begun. */
  readonly torn: boolean;
}

/** A row of the table: a status is `502`, or `200, cut` if the answer had begun. */
function expected(row: readonly string[], protocol: Protocol): Expected {
  const [, code = '', http = '', grpc = ''] = row;
  const [status = '', cut] = (protocol === 'grpc' ? grpc : http).split(', ');
  return { code: code.replaceAll('`', ''), status, torn: cut === 'cut' };
}

const CASES = Object.entries(BAD_BACKENDS).flatMap(([name, backend]) =>
  (Object.keys(backend.replies) as Protocol[]).map((protocol) => ({ name, backend, protocol })),
);

test('the table has every behaviour, and each protocol that has it', () => {
  expect(ROWS.map(([name]) => name)).toEqual(Object.keys(BAD_BACKENDS));
  const none = ROWS.filter(([, , http, grpc]) => [http, grpc].includes('')).map(([name, , http]) => [name, http === '' ? 'http' : 'grpc']);
  const lacking = Object.entries(BAD_BACKENDS).flatMap(([name, { replies }]) => [
    ...(replies.http1 === undefined && replies.http2 === undefined ? [[name, 'http']] : []),
    ...(replies.grpc === undefined ? [[name, 'grpc']] : []),
  ]);
  expect(none).toEqual(lacking);
});

describe('a backend', () => {
  let rig: BadRig;
  beforeAll(async () => {
    rig = await BadRig.start();
  });
  afterAll(() => rig.close());

  test.each(CASES)('that $name ($protocol)', async ({ name, protocol }) => {
    const { code, status, torn } = expected(ROWS.find(([each]) => each === name) ?? [], protocol);
    const before = rig.counts();
    const bystander = rig.bystander();
    expect(await rig.ask(name, protocol)).toEqual({ status, torn });
    await bystander.unharmed();
    await rig.clean();
    const id = rig.idOf(name, protocol);
    const [errors, attempts] = partition(countedSince(before, rig.counts()));
    expect(errors).toEqual({ [`weir_errors_total HTTPRoute/default/${id}/0 ${code}`]: 1 });
    const failure = WITHOUT_FAILED_ATTEMPT.includes(code) ? [] : [`weir_upstream_failures_total Service/default/${id}/80 ${code}`];
    expect(Object.keys(attempts)).toEqual(failure);
    const [line, ...more] = await rig.failuresLogged();
    expect(more).toEqual([]);
    expect(line).toMatchObject({ error: code, [protocol === 'grpc' ? 'grpcStatus' : 'status']: Number(status) });
    expect(JSON.stringify(line)).toContain(id);
  });
});

type Counted = Readonly<Record<string, number>>;

function countedSince(before: Counts, now: Counts): Counted {
  const more = [...now].map(([id, count]) => [id, count - (before.get(id) ?? 0)] as const);
  return Object.fromEntries(more.filter(([, count]) => count !== 0));
}

/** Failures of exchanges, and those of attempts. */
function partition(counted: Counted): readonly [Counted, Counted] {
  const [errors, attempts] = [true, false].map((wanted) =>
    Object.fromEntries(Object.entries(counted).filter(([id]) => id.startsWith('weir_errors_total') === wanted)),
  );
  return [errors ?? {}, attempts ?? {}];
}
